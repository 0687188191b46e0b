"""Speed of the evaluator: modules read, decoded, compared by EMD and summed for conservation, whole events.

    python benchmarks/bench_evaluation.py [--modules 1000000] [--candidate FOLDER] [--kind electron-0pu]

Simulates as many events as hold that many test modules (not timed), then evaluates them in one partition for each core.
Without a candidate, the encoder is one that hands on its image. Goal: a million modules in under three minutes on two
cores. Printed: wall time, modules each second, and both for each algorithm.
"""

import argparse
import os
import resource
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from qcompress.detectors import TEST, Decoders, Evaluation, Firmware
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.frontend import IMAGE_FORMAT, FrontEnd
from qcompress.detectors.hgcal.evaluation import results as evaluation
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.fixedpoint import Cast, Values
from qcompress.graph import Chain, Graph, Node, Quantize
from qcompress.pipeline.scoring import reopened
from qcompress.progress import silent

ALGORITHMS = ("repeater", "threshold", "bc-stc")
EVENTS_AT_A_TIME = 200


def handed_on() -> tuple[Firmware, Decoders]:
    """An encoder and a decoder that change nothing."""
    graph = Graph("handed_on", (8, 8, 1), IMAGE_FORMAT, (Node("same", Quantize(Cast(IMAGE_FORMAT)), "input"),))
    front_end = FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist()).to_mapping()
    chain = Chain("whole", (DETECTOR.preprocess(front_end, "encoder", {}), graph))
    return Firmware.of_chains(front_end, {"encoder": chain}), {"decoder": same}


def same(values: Values) -> Values:
    """What is given."""
    return values


def simulated(kind: str, modules: int, folder: Path) -> Path:
    """A sample with that many rows, all of them test events."""
    path, rows = folder / "modules.h5", 0
    with samples.writing(path, {"kind": kind}) as writer:
        for seed in range(1, 1000):
            part = folder / "part.h5"
            fast_simulation.simulate(kind, EVENTS_AT_A_TIME, seed, part, silent)
            found = samples.read(part)
            columns = {name: column[: modules - rows] for name, column in found.columns.items()}
            columns["event"] = columns["event"] + seed * 1_000_000
            columns["split"] = np.full(len(columns["event"]), TEST, np.uint8)
            writer.append(columns)
            rows += len(columns["event"])
            if rows >= modules:
                break
    return path


def main() -> None:
    """Print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", type=int, default=1_000_000)
    parser.add_argument("--kind", default="electron-0pu")
    parser.add_argument("--candidate", type=Path)
    given = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    reopen = handed_on if given.candidate is None else partial(reopened, given.candidate.absolute())
    with tempfile.TemporaryDirectory() as name:
        path = simulated(given.kind, given.modules, Path(name))
        with samples.Handle(path) as handle:
            rows = handle.rows
        own = resource.getrusage(resource.RUSAGE_SELF)
        before = own.ru_utime + own.ru_stime
        started = time.perf_counter()
        firmware, decode = reopen()
        wanted = Evaluation(None, ALGORITHMS, partitions=cores, reopen=reopen)
        results = evaluation.evaluate(firmware, path, decode, wanted, silent)
        took = time.perf_counter() - started
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        seconds = sum(one.ru_utime + one.ru_stime for one in used) - before
    shown = [str(row[0]) for row in results.tables[0].rows]
    print(f"{rows:,} modules of {given.kind}, {cores} cores: {took:.0f} s, {rows / took:,.0f} modules/s")
    print(f"of the cores' time: {seconds:.0f} s, workers included")
    print(f"{len(shown)} algorithms ({', '.join(shown)}): {took / len(shown):.0f} s for each")


if __name__ == "__main__":
    main()
