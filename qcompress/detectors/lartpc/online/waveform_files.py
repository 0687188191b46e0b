"""Waveforms in NumPy files: whole planes, and tables of regions that a published finder gave (`dumpraw`)."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.online.waveforms import Codes, checked
from qcompress.errors import QcompressError

LONG_HEADER = 200_000
"""Bytes of the longest header: that of a record of 500 samples has 10,000."""
FIXED = ("evt", "chan", "roi", "view")


class Regions(NamedTuple):
    """Regions of a `dumpraw` file, one entry each (n,), and their samples (n, longest), zeros behind the last one.

    samples: ADC counts above the pedestal; roi: a number on its channel; view: letter of the plane.
    """

    event: npt.NDArray[np.int64]
    channel: npt.NDArray[np.int64]
    roi: npt.NDArray[np.int64]
    view: npt.NDArray[np.str_]
    samples: npt.NDArray[np.int64]


def read(path: Path, channels: int | None = None, ticks: int | None = None) -> Codes:
    """Codes (channels, ticks) of the .npy file at `path`.

    channels, ticks: how many there must be; any, if not given. Raises QcompressError for a file that is none, is cut,
    or has other lengths, and for codes that no converter gives.
    """
    found = _load(path)
    try:
        codes = checked(found)
    except QcompressError as fault:
        raise QcompressError(f"{path}: {fault}") from None
    wanted = (codes.shape[0] if channels is None else channels, codes.shape[1] if ticks is None else ticks)
    if codes.shape != wanted:
        raise QcompressError(
            f"{path}: {codes.shape[0]} channels of {codes.shape[1]} ticks, not {wanted[0]} of {wanted[1]}"
        )
    return codes


def write(path: Path, codes: npt.ArrayLike) -> None:
    """Write codes (channels, ticks) to `path`, a .npy file; raises QcompressError for codes that are none."""
    from qcompress.files import written_aside

    given = checked(codes)
    with written_aside(path) as file:
        np.save(file, given)


def read_dumpraw(path: Path) -> Regions:
    """Regions of a `dumpraw` file, .npy or .npy.gz: records of evt, chan, roi, view and samples tck_0, tck_1, ..

    Raises QcompressError for a file that is none or is cut.
    """
    table = _load(path)
    names = table.dtype.names or ()
    ticks = [name for name in names if name.startswith("tck_")]
    if table.ndim != 1 or set(names) != {*FIXED, *ticks} or ticks != [f"tck_{k}" for k in range(len(ticks))]:
        raise QcompressError(f"{path}: no table of regions: records of {', '.join(FIXED)} and tck_0, tck_1, ..")
    samples = np.stack([np.asarray(table[name], np.int64) for name in ticks], axis=1)
    event, channel, roi = (np.asarray(table[name], np.int64) for name in FIXED[:3])
    return Regions(event, channel, roi, np.asarray(table["view"], np.str_), samples)


def write_dumpraw(path: Path, regions: Regions) -> None:
    """Write regions to `path`, .npy or .npy.gz, as `dumpraw` has them: samples in 16 bits, a letter of the plane.

    Raises QcompressError for samples that 16 bits do not hold and for planes of more letters.
    """
    import gzip

    from qcompress.files import written_aside

    limit = np.iinfo(np.int16)
    if regions.samples.size and (regions.samples.min() < limit.min or regions.samples.max() > limit.max):
        raise QcompressError(f"{path}: samples of {regions.samples.min()} to {regions.samples.max()} in 16 bits")
    ticks = [(f"tck_{tick}", "<i2") for tick in range(regions.samples.shape[1])]
    table = np.zeros(len(regions.event), [("evt", "<u4"), ("chan", "<u4"), ("roi", "<u2"), ("view", "S1"), *ticks])
    for name, column in zip(FIXED[:3], regions[:3], strict=True):
        table[name] = column
    table["view"] = np.char.encode(regions.view.astype(np.str_), "ascii")
    if (table["view"] != np.char.encode(regions.view.astype(np.str_), "ascii")).any():
        raise QcompressError(f"{path}: a plane is one letter, not {', '.join(sorted(set(regions.view)))}")
    for tick, (name, _) in enumerate(ticks):
        table[name] = regions.samples[:, tick]
    with written_aside(path) as file:
        if path.suffix != ".gz":
            np.save(file, table)
            return
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as squeezed:
            np.lib.format.write_array(squeezed, table, allow_pickle=False)


def _load(path: Path) -> npt.NDArray[Any]:
    """The array in a .npy file, compressed or not; QcompressError if there is none."""
    import gzip
    import zlib

    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False, max_header_size=LONG_HEADER)
    except (OSError, EOFError, ValueError, zlib.error) as fault:
        said = fault.strerror if isinstance(fault, OSError) and fault.strerror else "it is no NumPy array, or is cut"
        raise QcompressError(f"{path}: cannot be read ({said})") from None
