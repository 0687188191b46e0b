"""Speed and memory of samples: simulation of whole events, reading HDF5, taking in CSV.

    python benchmarks/bench_samples.py [--events 100]

No other program does the same work; the figures are absolute, on the cores of the machine.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from qcompress.detectors.hgcal import readers, samples, simulation


def seconds(work: Callable[[], object]) -> float:
    """Wall time of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak_mb() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print a line for each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100)
    events = parser.parse_args().events
    simulation.simulate_event("electron-200pu", 0, 0)  # compiles
    with tempfile.TemporaryDirectory() as folder:
        whole, axis, table = (Path(folder) / name for name in ("whole.h5", "axis.h5", "axis.csv"))
        took = seconds(lambda: simulation.simulate("electron-200pu", events, 1, whole))
        print(f"simulation, electron-200pu: {60 * events / took:,.0f} events a minute, peak {peak_mb():,.0f} MB")
        with samples.Handle(whole) as handle:
            took = seconds(lambda: [None for _ in handle.chunks(names=["event", "layer", "codes", "charge"])])
            print(
                f"HDF5, four columns: {handle.rows / took:,.0f} modules/s of {handle.rows:,}, peak {peak_mb():,.0f} MB"
            )
            took = seconds(lambda: [None for _ in handle.chunks()])
            print(f"HDF5, all columns: {handle.rows / took:,.0f} modules/s, peak {peak_mb():,.0f} MB")
        simulation.simulate("electron-200pu-axis", 20 * events, 1, axis)
        rows = readers.export_csv(axis, table)
        took = seconds(lambda: readers.import_csv(table, Path(folder) / "again.h5"))
        print(f"CSV, checked and written as HDF5: {rows / took:,.0f} modules/s of {rows:,}, peak {peak_mb():,.0f} MB")


if __name__ == "__main__":
    main()
