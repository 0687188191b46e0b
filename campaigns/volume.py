"""Rate, memory and bytes of `qcompress emulate` on a large volume, and what 10^12 modules would take.

    python campaigns/volume.py CANDIDATE [--rows 100000000] [--values] [--partitions N] [--folder DIR] [--keep]

Writes a Parquet file of --rows images of codes (fixed-size lists of uint8), or of their real values in float32 with
--values, piece by piece, runs the command on it from outside and measures the memory of all its processes together.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.parquet

from qcompress.candidate import Candidate
from qcompress.graph.ports import Port

PIECE = 1 << 17
"""Rows written at a time, a row group."""
MODULES = 10**12
COLUMN = "cells"
CHECKED = 2000
"""Rows of each end that are computed again, by the reference interpreter."""
SAMPLING = 0.05
"""Seconds between two looks at the memory."""


def images(rng: np.random.Generator, port: Port, rows: int) -> npt.NDArray[np.int64]:
    """Codes (rows, size) like those of a detector: most are small, some are at the end of the range."""
    found = rng.exponential(port.format.max_code / 16, (rows, port.size))
    return np.asarray(np.minimum(found, port.format.max_code), np.int64)


def write_input(path: Path, port: Port, rows: int, values: bool) -> None:
    """Write the Parquet file: one piece of random rows again and again, turned by one row more each time."""
    codes = images(np.random.default_rng(1), port, min(PIECE, rows))
    piece = port.format.to_values(codes).astype(np.float32) if values else codes.astype(np.uint8)
    schema = pyarrow.schema([(COLUMN, pyarrow.list_(pyarrow.from_numpy_dtype(piece.dtype), port.size))])
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for first in range(0, rows, PIECE):
            turned = np.roll(piece, first // PIECE, axis=0)[: min(PIECE, rows - first)]
            column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(turned.reshape(-1)), port.size)
            writer.write_table(pyarrow.table([column], schema=schema))


def memory_of(process: int) -> int:
    """Bytes that a process and all that it has started hold, shared ones in parts (PSS)."""
    total = 0
    try:
        told = Path(f"/proc/{process}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) * 1024 for line in told.splitlines() if line.startswith("Pss:"))
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            total += sum(memory_of(int(child)) for child in children.read_text().split())
    except (OSError, StopIteration):
        return total
    return total


def measured(command: list[str]) -> tuple[float, int]:
    """Seconds that a command takes, and the most bytes that it holds at once; what it prints is printed."""
    begun, peak = time.monotonic(), 0
    process = subprocess.Popen(command)
    watched = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not watched.wait(SAMPLING):
            peak = max(peak, memory_of(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    watched.set()
    watcher.join()
    if status:
        sys.exit(f"the command ended with status {status}")
    return time.monotonic() - begun, peak


def check(source: Path, target: Path, candidate: Path, port: Port, values: bool) -> int:
    """Compare the first and the last row group with the reference interpreter; returns the rows compared."""
    graph = next(iter(Candidate.open(candidate).graphs().values()))
    given, found = pyarrow.parquet.ParquetFile(source), pyarrow.parquet.ParquetFile(target)
    rows = 0
    for group in (0, -1):
        taken, made = (_end(file, group) for file in (given, found))
        shaped = taken.reshape(-1, *port.shape)
        wanted: Any = graph.predict(shaped) if values else graph.run(shaped)
        if (wanted.reshape(len(taken), -1) != made).any():
            sys.exit("the output is not what the reference interpreter gives")
        rows += len(taken)
    return rows


def _end(file: Any, group: int) -> npt.NDArray[Any]:
    """Rows of the first (0) or the last (-1) row group: its first or its last ones."""
    rows = _numbers(file.read_row_group(group % file.num_row_groups)[0])
    return rows[:CHECKED] if group == 0 else rows[-CHECKED:]


def _numbers(column: Any) -> npt.NDArray[Any]:
    """A column of lists as (rows, size)."""
    whole = column.combine_chunks()
    return np.asarray(whole.flatten().to_numpy(zero_copy_only=False)).reshape(len(whole), -1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("candidate", type=Path)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--values", action="store_true")
    parser.add_argument("--partitions", type=int)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    (port,) = Candidate.open(given.candidate).emulation().inputs
    with tempfile.TemporaryDirectory(dir=given.folder, ignore_cleanup_errors=True) as scratch:
        folder = given.folder if given.keep and given.folder else Path(scratch)
        source, target = folder / "input.parquet", folder / "output.parquet"
        write_input(source, port, given.rows, given.values)
        command = [sys.executable, "-m", "qcompress.cli", "emulate", given.candidate, source, target, "--replace"]
        command += ["--input", COLUMN, *([] if given.values else ["--codes"])]
        command += ["--partitions", given.partitions] if given.partitions else []
        seconds, peak = measured([str(word) for word in command])
        same = check(source, target, given.candidate, port, given.values)
        report(given.rows, seconds, peak, source.stat().st_size, target.stat().st_size, same)


def report(rows: int, seconds: float, peak: int, read: int, written: int, same: int) -> None:
    """Print what was measured, and the same for 10^12 modules in proportion."""
    import os

    cores = len(os.sched_getaffinity(0))
    print(f"{rows} rows in {seconds:.1f} s on {cores} cores: {rows / seconds / 1e6:.2f} M rows/s")
    print(f"peak memory of all processes: {peak / 1e9:.2f} GB")
    for what, size in (("read", read), ("written", written)):
        print(f"{what} {size / 1e9:.2f} GB, {size / rows:.1f} bytes a row")
    print(f"{same} rows of the first and the last row group equal the reference interpreter's")
    hours = MODULES / rows * seconds * cores / 3600
    print(
        f"10^12 modules at that rate: {hours:.0f} core hours, {hours / 1000:.2f} h on 1000 cores; "
        f"{MODULES * read / rows / 1e12:.1f} TB read, {MODULES * written / rows / 1e12:.1f} TB written"
    )


if __name__ == "__main__":
    main()
