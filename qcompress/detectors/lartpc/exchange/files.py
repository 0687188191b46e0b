"""Files of other programs to samples and back: which format a file is, and what may be said about it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qcompress.detectors.lartpc.online.primitives import Finder
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.errors import QcompressError
from qcompress.progress import Report

HDF5 = (".h5", ".hdf5")
ENDINGS = ".root, .npy, .npy.gz, .bin"


class ImportSettings(BaseModel):
    """What may be said of a file: whose wires, edge of a voxel, events at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    chamber: str | None = None
    voxel_mm: float | None = Field(None, gt=0, le=100)
    events: int | None = Field(None, ge=1)


class ExportSettings(BaseModel):
    """How a sample is written: of .npy what it holds, of which plane and event; of trees whether with waveforms."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    what: Literal["waveforms", "regions", "primitives"] | None = None
    plane: str | None = None
    event: int | None = None
    finder: Finder | None = None
    waveforms: bool | None = None


def _parsed(model: type[Any], settings: Mapping[str, str]) -> Any:
    try:
        return model.model_validate(settings)
    except ValidationError as fault:
        error = fault.errors()[0]
        key, known = ".".join(map(str, error["loc"])), ", ".join(model.model_fields)
        raise QcompressError(f"--set {key}: {error['msg'].lower()}; settings are {known}") from None


def _only(where: Path, told: BaseModel, *known: str) -> None:
    """Raises QcompressError for a setting that says nothing of this file."""
    if other := sorted(told.model_fields_set - set(known)):
        raise QcompressError(
            f"{where}: --set {other[0]} says nothing of it; settings for it: {', '.join(known) or 'none'}"
        )


def import_file(source: Path, target: Path, skip_bad_rows: bool, settings: Mapping[str, str], report: Report) -> str:
    """Write a sample of a file: trees (.root) or clouds of points (.h5, .hdf5); returns a line of counts.

    source: the file; target: the sample; skip_bad_rows: is refused; settings: fields of ImportSettings as text; report:
    told how much is done. Raises QcompressError naming file and fault.
    """
    told: ImportSettings = _parsed(ImportSettings, settings)
    if skip_bad_rows:
        raise QcompressError(f"{source}: no rows of it are left out; import it without --skip-bad-rows")
    if source.suffix == ".root":
        from qcompress.detectors.lartpc.exchange import root_trees

        _only(source, told, "chamber")
        return root_trees.import_root(source, target, told.chamber, report)
    if source.suffix not in HDF5:
        raise QcompressError(f"{source}: trees (.root) and clouds of points (.h5, .hdf5) are read")
    from qcompress.detectors.lartpc.exchange import point_clouds

    if told.chamber not in PRESETS or told.voxel_mm is None:
        raise QcompressError(
            f"{source}: clouds do not say whose wires see them and what a voxel is; say it with --set chamber=NAME "
            f"({', '.join(PRESETS)}) and --set voxel_mm=MM"
        )
    most = told.events or 1 << 62
    return point_clouds.import_clouds(source, target, PRESETS[told.chamber], told.voxel_mm, most, report)


def export_file(sample: Path, target: Path, settings: Mapping[str, str]) -> str:
    """Write a `sample` in the format of the ending of `target`; returns what was written.

    settings: fields of ExportSettings as text. Raises QcompressError for an ending or a setting that there is not.
    """
    told: ExportSettings = _parsed(ExportSettings, settings)
    if target.suffix == ".root":
        from qcompress.detectors.lartpc.exchange import root_trees

        _only(target, told, "waveforms")
        return root_trees.export_root(sample, target, told.waveforms is not False)
    squeezed = target.suffixes[-2:] == [".npy", ".gz"]
    if target.suffix not in (".npy", ".bin") and not squeezed:
        raise QcompressError(f"{target}: samples are written as {ENDINGS}")
    what = told.what or ("primitives" if target.suffix == ".bin" else "regions" if squeezed else "waveforms")
    if (what == "primitives") != (target.suffix == ".bin") and not (what == "primitives" and target.suffix == ".npy"):
        raise QcompressError(f"{target}: {what} are not written as {''.join(target.suffixes)}")
    if what == "primitives":
        from qcompress.detectors.lartpc.exchange import trigger_records

        _only(target, told, "what", "finder")
        return trigger_records.export(sample, target, told.finder or "threshold")
    from qcompress.detectors.lartpc.exchange import arrays

    if told.plane is None:
        raise QcompressError(f"{target}: say with --set plane=NAME whose {what}")
    if what == "regions":
        _only(target, told, "what", "plane")
        return arrays.export_regions(sample, target, told.plane)
    _only(target, told, "what", "plane", "event")
    if squeezed:
        raise QcompressError(f"{target}: waveforms are written as .npy")
    return arrays.export_waveforms(sample, target, told.plane, told.event or 0)
