"""Every public network of `campaigns/networks` as a graph: exact, refused, wrong or a traceback; two tables.

    python campaigns/public_networks.py FOLDER [--only NAME..] [--family NAME..] [--clones FOLDER] [--limit 120]

Each is built, or its file taken from $QCOMPRESS_DATA or from a clone of its repository (FOLDER/clones, made where it
is missing). Its graph, the emulator in C++ and the framework's own body compute the same random and boundary rows,
1,000 together, fewer of large networks, zeros and the ends of the formats among them; every code is compared. What
came of each is kept in FOLDER: started again, the script goes on. Exit 1 if a code differs or there is a traceback.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

from networks import Network, every

from qcompress.files import write_json

OUTCOMES = ("exact", "refused, rightly", "refused, but should not be", "wrong", "traceback", "over time", "not at hand")
READY = 300
"""Seconds that the libraries may take to be imported."""


def main() -> int:
    given = arguments()
    given.folder.mkdir(parents=True, exist_ok=True)
    networks = every()
    chosen = [one for one in networks.values() if wanted(one, given)]
    worker = Worker(given)
    for network in chosen:
        place = given.folder / slug(network.name)
        if not place.is_file() or (json.loads(place.read_text()).get("again") and not given.without_emulator):
            found = worker.run(network.name, given.limit)
            write_json(place, found)
            print(f"{found['outcome']:12} {found['seconds']:6.1f} s  {network.name}  {found['said'][:150]}", flush=True)
    worker.end()
    results = {
        one.name: json.loads(place.read_text())
        for one in networks.values()
        if (place := given.folder / slug(one.name)).is_file()
    }
    print("\n".join(tables(networks, results)))
    return int(any(found["outcome"] in ("wrong", "traceback") for found in results.values()))


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--family", nargs="+", default=[])
    parser.add_argument("--clones", type=Path)
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("--without-emulator", action="store_true")  # tried again when it is left away
    parser.add_argument("--rows", type=int, default=1000)
    given = parser.parse_args()
    given.clones = given.clones or given.folder / "clones"
    return given


def wanted(network: Network, given: Any) -> bool:
    """Whether the command line asks for it."""
    return (not given.only or network.name in given.only) and (not given.family or network.family in given.family)


def slug(name: str) -> str:
    """The file of a network's result."""
    return f"{re.sub('[^A-Za-z0-9]+', '_', name)}_{crc32(name.encode()):08x}.json"


class Worker:
    """A process that tries networks; ended and made again where one takes too long or takes it along."""

    def __init__(self, given: Any) -> None:
        self._given = given
        self._process: Any = None

    def run(self, name: str, limit: float) -> dict[str, Any]:
        """What came of a network within limit seconds."""
        start = time.perf_counter()
        if self._process is None:
            self._begin()
            start = time.perf_counter()
        try:
            self._ours.send(name)
            if self._ours.poll(limit):
                found: dict[str, Any] = self._ours.recv()
            else:
                found = {"outcome": "over time", "said": f"not done in {limit:g} s"}
                self.end()
        except (EOFError, ConnectionError):
            found = {"outcome": "traceback", "said": "the process ended"}
            self.end()
        return found | {"seconds": time.perf_counter() - start}

    def _begin(self) -> None:
        from networks.trial import serve

        context = get_context("spawn")
        self._ours, theirs = context.Pipe()
        told = (theirs, self._given.clones, self._given.rows, not self._given.without_emulator)
        self._process = context.Process(target=serve, args=told, daemon=True)
        self._process.start()
        theirs.close()
        if not self._ours.poll(READY):
            raise SystemExit(f"the libraries were not imported in {READY} s")
        self._ours.recv()

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


def tables(networks: dict[str, Network], results: dict[str, Any]) -> list[str]:
    """Counts by family, and every network that is not exact."""
    families = list(dict.fromkeys(one.family for one in networks.values()))
    lines = [f"| family | networks | {' | '.join(OUTCOMES)} |", f"|{'---|' * (len(OUTCOMES) + 2)}"]
    for family in [*families, "all"]:
        names = [one.name for one in networks.values() if family in (one.family, "all")]
        counts = Counter(results[name]["outcome"] if name in results else "not tried" for name in names)
        lines.append(f"| {family} | {len(names)} | {' | '.join(str(counts[each]) for each in OUTCOMES)} |")
    lines += ["", "| network | outcome | what was said |", "|---|---|---|"]
    for name in networks:
        if name in results and (results[name]["outcome"] != "exact" or results[name]["said"]):
            said = results[name]["said"].replace("|", "/").replace("\n", " ")
            lines.append(f"| {name} | {results[name]['outcome']} | {said} |")
    missing = [name for name in networks if name not in results]
    return [*lines, *([f"\nnot tried: {len(missing)}"] if missing else [])]


if __name__ == "__main__":
    sys.exit(main())
