"""Files of other programs to samples and back: which format a file is, and what may be said about it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from qcompress.detectors.hgcal.econt.numbers import Density
from qcompress.detectors.hgcal.econt.words import NUMBER_FORMATS
from qcompress.detectors.hgcal.exchange import csv_tables, hdf5_tables, ntuples, parquet, word_samples
from qcompress.detectors.hgcal.exchange.tables import Imported
from qcompress.errors import QcompressError
from qcompress.progress import Report

HDF5 = (".h5", ".hdf5")


class ImportSettings(BaseModel):
    """What may be said about a file of words, whose rows do not say it, and of a ROOT file which tree is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    module: str | None = None
    density: Literal["HD", "LD"] = "HD"
    tc_order: Literal["msb", "lsb"] = "msb"
    number_format: Literal["hex", "decimal"] | None = None
    tree: str | None = None


class ExportSettings(BaseModel):
    """How a sample is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layout: Literal["study", "geometry", "words"] = "study"
    header: bool = True
    module: str | None = None
    tc_order: Literal["msb", "lsb"] = "msb"


def _parsed(model: type[Any], settings: Mapping[str, str]) -> Any:
    try:
        return model.model_validate(settings)
    except ValidationError as fault:
        error = fault.errors()[0]
        known = ", ".join(model.model_fields)
        key = ".".join(map(str, error["loc"]))
        raise QcompressError(f"--set {key}: {error['msg'].lower()}; settings are {known}") from None


def holds_words(source: Path) -> bool:
    """Whether the CSV file `source` is one of words: by its header, or by twelve fields without one."""
    if not source.is_file():
        return False
    with source.open(errors="replace") as file:
        fields = [field.strip() for field in file.readline(4096).split(",")]
    return fields[0] in {f"{layout.prefix}0" for layout in NUMBER_FORMATS.values()} or len(fields) == 12


def import_file(
    source: Path, target: Path, skip_bad_rows: bool, settings: Mapping[str, str], report: Report
) -> Imported:
    """Write a sample of a file in any of the formats: .root, .parquet, .h5, .hdf5, CSV of modules or of words.

    source: the file, or a folder of CSV; target: the sample; skip_bad_rows: leave them out and count them; settings:
    fields of ImportSettings as text, for files of words and ROOT files; report: told how much is done. Raises
    QcompressError naming file and fault.
    """
    told: ImportSettings = _parsed(ImportSettings, settings)
    words = source.suffix not in (".root", ".parquet", *HDF5) and holds_words(source)
    others = [
        name for name in settings if (name == "tree") != (source.suffix == ".root") or (name != "tree" and not words)
    ]
    if others:
        kind = "ROOT files" if others[0] == "tree" else "files of words"
        raise QcompressError(f"{source}: --set {others[0]} is for {kind}")
    if skip_bad_rows and (words or source.suffix == ".root"):
        kind = "file of words" if words else "tree"
        raise QcompressError(f"{source}: a {kind} has no rows to leave out; import it without --skip-bad-rows")
    if words:
        module = word_samples.Module.parse(told.module) if told.module else None
        density = Density[told.density]
        return word_samples.import_words(source, target, module, density, told.tc_order, told.number_format, report)
    if source.suffix == ".root":
        return Imported(ntuples.import_root(source, target, report, told.tree), 0, "")
    if source.suffix == ".parquet":
        return parquet.import_parquet(source, target, skip_bad_rows, report)
    if source.suffix in HDF5:
        return hdf5_tables.import_hdf5(source, target, skip_bad_rows, report)
    return csv_tables.import_csv(source, target, skip_bad_rows, report)


def export_file(sample: Path, target: Path, settings: Mapping[str, str]) -> str:
    """Write a `sample` in the format of the ending of `target`; returns what was written.

    settings: fields of ExportSettings as text. Raises QcompressError for an ending, or a setting, that there is not.
    """
    told: ExportSettings = _parsed(ExportSettings, settings)
    if told.layout == "words":
        if target.suffix != ".csv":
            raise QcompressError(f"{target}: words are written as .csv")
        module = word_samples.Module.parse(told.module) if told.module else None
        return f"{word_samples.export_words(sample, target, module, told.tc_order)} rows in {target}"
    if told.module or told.tc_order != "msb":
        raise QcompressError("--set module and tc_order are for --set layout=words")
    if target.suffix == ".root":
        return f"{ntuples.export_root(sample, target)} events in {target}"
    if target.suffix == ".parquet":
        return f"{parquet.export_parquet(sample, target)} rows in {target}"
    if target.suffix in HDF5:
        return f"{hdf5_tables.export_hdf5(sample, target, told.layout)} rows in {target}"
    if target.suffix == ".csv":
        return f"{csv_tables.export_csv(sample, target, told.layout, told.header)} rows in {target}"
    raise QcompressError(f"{target}: give a .csv, .root, .parquet, .h5 or .hdf5")
