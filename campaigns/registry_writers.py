"""Writers of one registry at once, some of them killed: nothing that was said to be written is lost, nothing is half.

    python campaigns/registry_writers.py [--registry URL] [--writers 6] [--entries 40] [--seed 0]

The registry must not be there yet; without a URL it is an SQLite file that is removed afterwards. Every writer adds
runs of its own and prints those that are in; half of the writers are killed (SIGKILL) at a random moment.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.candidate import Candidate
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Node, Relu
from qcompress.registry import Registry
from qcompress.verification import Comparison

WRITER = """
import sys
from pathlib import Path
from typing import Any
from qcompress.candidate import Candidate
from qcompress.registry import Interval, Registry
url, folder, first, count = sys.argv[1:]
registry, candidate = Registry(url), Candidate.open(Path(folder))
for run in range(int(first), int(first) + int(count)):
    registry.add("stress", candidate, Interval.of_runs(str(run)))
    print(run, flush=True)
"""
DESCRIPTION: dict[str, Any] = {
    "name": "a",
    "detector": None,
    "config": None,
    "seed": 0,
    "versions": {},
    "front_end": {},
    "targets": {},
}


def candidate(folder: Path, seed: int) -> Candidate:
    """A verified candidate with some hundred kilobytes of its own."""
    made = Candidate.create(folder, DESCRIPTION)
    graph = Graph("relu", (3,), Format(True, 5, 2), (Node("relu", Relu(), "input"),))
    with made.staged("compile") as stage:
        graph.save(stage / "graph" / "relu")
        (stage / "graph" / "noise.bin").write_bytes(np.random.default_rng(seed).bytes(300_000))
        figures = {"graph": graph.content_hash(), "keras_is_body": False}
        made.record("compile", "x", stage, {"relu": figures})
    with made.staged("verify") as stage:
        found = [Comparison("cpp", "random", 1, 3, 0, None).to_json()]
        made.record("verify", "x", stage, {"relu": found}, ("compile",))
    return made


def main() -> None:
    """Start, kill, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--registry", metavar="URL")
    parser.add_argument("--writers", type=int, default=6)
    parser.add_argument("--entries", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance = random.Random(given.seed)  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory() as scratch:
        registry = Registry(given.registry or str(Path(scratch, "registry.sqlite")))
        with suppress(QcompressError):  # there is none yet
            raise SystemExit(f"{registry}: has {len(registry.history())} entries; give another one")
        url = given.registry or str(Path(scratch, "registry.sqlite"))
        started, writers = time.perf_counter(), []
        for number in range(given.writers):
            folder = candidate(Path(scratch, f"candidate{number}"), number).folder
            command = [sys.executable, "-c", WRITER, url, str(folder), str(10_000 * number), str(given.entries)]
            writers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        moments = sorted(chance.uniform(0.5, 3) for _ in writers[::2])
        for moment, writer in zip(moments, writers[::2], strict=True):
            time.sleep(max(0.0, started + moment - time.perf_counter()))
            writer.kill()
        said = [int(line) for writer in writers for line in writer.communicate()[0].split()]
        failed = [writer.returncode for writer in writers if writer.returncode not in {0, -9}]
        killed = sum(writer.returncode == -9 for writer in writers)
        seconds = time.perf_counter() - started
        kept = [entry.interval.first for entry in registry.history()]
        entries, payloads, _ = registry.check()
    lost, twice = set(said) - set(kept), len(kept) - len(set(kept))
    print(f"{registry.__class__.__name__} on {str(registry).split(':')[0]}: {given.writers} writers, {killed} killed")
    print(f"{entries} entries, {payloads} payloads in {seconds:.1f} s; said and lost {len(lost)}, twice {twice}")
    if lost or twice or failed:
        raise SystemExit("entries were lost, written twice, or refused")


if __name__ == "__main__":
    main()
