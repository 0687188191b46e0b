"""Speed and memory of samples: simulation of whole events, selection, reading and taking in every format.

    python benchmarks/bench_samples.py [--events 100]

No other program does the same work; the figures are absolute. Beside the wall time of a machine that may be busy stands
what its processor time gives: on two cores for the simulation, on one for the rest.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.exchange import csv_tables, hdf5_tables, parquet
from qcompress.detectors.hgcal.samples import selections
from qcompress.detectors.hgcal.simulation import fast_simulation


def told(what: str, unit: str, count: float, work: Callable[[], object], cores: int = 1) -> None:
    """Print how fast a call did `count` of something, by the clock and by processor time; the peak memory so far."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    speeds = f"{count / wall:,.0f} | {count / (processor / cores):,.0f}"
    print(f"| {what} | {speeds} | {unit} | {peak:,.0f} | {os.getloadavg()[0]:.1f} |", flush=True)


def main() -> None:
    """Print a line for each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100)
    events = parser.parse_args().events
    fast_simulation.simulate_event("electron-200pu", 0, 0)  # compiles
    print("| work | by the clock | by processor time | unit | peak memory so far [MB] | load |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, chosen, axis, again = (folder / f"{stem}.h5" for stem in ("whole", "chosen", "axis", "again"))
        cuts = selections.Selection(layers=(1, 28), signal_share=1e-3, rows=1000)
        told(
            "simulate electron-200pu and select, 2 cores",
            "events/minute",
            events * 60,
            lambda: fast_simulation.simulate("electron-200pu", events, 2, chosen, selection=cuts),
            2,
        )
        told(
            "simulate electron-200pu, 2 cores",
            "events/minute",
            events * 60,
            lambda: fast_simulation.simulate("electron-200pu", events, 1, whole),
            2,
        )
        with samples.Handle(whole) as handle:
            rows = handle.rows
            four = ("event", "layer", "codes", "charge")
            told("read HDF5, four columns", "modules/s", rows, lambda: [None for _ in handle.chunks(names=four)])
            told("read HDF5, all columns", "modules/s", rows, lambda: [None for _ in handle.chunks()])
        told("select from HDF5", "modules/s", rows, lambda: selections.select(whole, again, cuts))
        fast_simulation.simulate("electron-200pu-axis", 20 * events, 1, axis)
        for ending, write, take in (
            (".csv", csv_tables.export_csv, csv_tables.import_csv),
            (".parquet", parquet.export_parquet, parquet.import_parquet),
            (".hdf5", hdf5_tables.export_hdf5, hdf5_tables.import_hdf5),
        ):
            table = folder / f"axis{ending}"
            rows = write(axis, table)
            told(f"import {ending}, checked and written", "modules/s", rows, partial(take, table, again))


if __name__ == "__main__":
    main()
