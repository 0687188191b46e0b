"""Speed of the fast simulation of liquid-argon events, on one and on two threads, and of its parts.

    python benchmarks/bench_lartpc.py [--events 12] [--kind neutrino-hd]

CPU seconds stand beside wall time: a machine that does other work at the same time shows in their ratio. The peer of
packing waveforms is h5py's own gzip filter on the same event.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.electronics.noise import plane_noise
from qcompress.detectors.lartpc.electronics.signals import plane_signal
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.detectors.lartpc.simulation.generators import GENERATORS
from qcompress.detectors.lartpc.simulation.transport import electrons_arriving, on_plane
from qcompress.detectors.lartpc.simulation.volume import volume_of


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def parts(kind: str, events: int) -> dict[str, float]:
    """CPU seconds of an event, by part."""
    beginning, preset, _ = fast_simulation.parts_of(kind)
    volume = volume_of(preset)
    spent = dict.fromkeys(("particles", "transport and truth", "signals", "noise", "packing"), 0.0)
    for event in range(events):
        rng = np.random.default_rng(event)
        vertex = GENERATORS[beginning](rng, volume, preset.ticks * preset.tick_us)
        started = time.process_time()

        def lap(name: str) -> None:
            nonlocal started
            spent[name] += (time.process_time() - started) / events
            started = time.process_time()

        deposits, _ = fast_simulation.follow(vertex, volume, event)
        lap("particles")
        arrived = electrons_arriving(deposits, preset, volume)
        charges = [on_plane(arrived, preset, volume, plane)[0] for plane in preset.planes]
        lap("transport and truth")
        for charge, plane in zip(charges, preset.planes, strict=True):
            plane_signal(charge, preset, plane)
        lap("signals")
        codes = {p.name: np.rint(plane_noise(rng, preset, p, preset.ticks) + 900) for p in preset.planes}
        lap("noise")
        samples.pack({name: code.astype(np.uint16) for name, code in codes.items()})
        lap("packing")
    return spent


def plain(path: Path, event: samples.Event) -> None:
    """The waveforms of an event with h5py's own filter."""
    with h5py.File(path, "w") as file:
        for name, codes in event.waveforms.items():
            options = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
            file.create_dataset(name, data=codes[None], chunks=(1, 40, codes.shape[1]), **options)


def main() -> None:
    """Print a line for each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=12)
    parser.add_argument("--kind", default="neutrino-hd")
    given = parser.parse_args()
    print(f"{given.kind}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    event = fast_simulation.simulate_event(given.kind, 1, 0)  # compiles
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.h5"
        for threads in (1, 2):
            fast_simulation.THREADS = threads
            wall, cpu = timed(lambda: fast_simulation.simulate(given.kind, given.events, 1, path))
            print(
                f"simulation and file, {threads} threads: {60 * given.events / wall:.0f} events a minute, "
                f"{cpu / given.events:.2f} CPU seconds each: {120 * given.events / cpu:.0f} a minute on two free cores"
            )
        size = path.stat().st_size / given.events
        raw = sum(codes.nbytes for codes in event.waveforms.values())
        print(f"file: {size / 1e6:.1f} MB an event, {raw / size:.2f} times less than its codes of 16 bits")
        with samples.Handle(path) as sample:
            wall, cpu = timed(lambda: [sample.event(place) for place in sample.places()])
        print(f"reading it, checked: {given.events / wall:.1f} events/s, {cpu / given.events:.2f} CPU seconds each")
        _, own = timed(lambda: samples.pack(event.waveforms))
        _, peer = timed(lambda: plain(Path(folder) / "plain.h5", event))
        print(f"packing an event's waveforms: {own:.2f} CPU seconds; h5py's filter, one thread: {peer:.2f}")
    for name, seconds in parts(given.kind, given.events).items():
        print(f"{name:22} {1000 * seconds:7.0f} CPU ms an event")


if __name__ == "__main__":
    main()
