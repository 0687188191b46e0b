"""Damaged inputs through every reader: one line, or an answer; no traceback, no crash, no hang, no wrong answer taken.

    python campaigns/fuzz.py FOLDER --data PUBLIC [--cases 10000] [--commands 300] [--only READER ...]

Every case is a valid input (`fuzz_readers.py`) with one to three accidents, drawn by the reader's name and the case's
number alone. It is read in a worker process; one that dies, or takes 60 s of its processor, is a finding of the case it
was at. With a checksum or a twin an answer must be the valid input's. FOLDER keeps a line for each case in
READER.jsonl, and a run that was stopped goes on there; what is found is printed with its input, kept in FOLDER/found.
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_readers import HERE, READERS

from qcompress.errors import QcompressError

LIMIT_S = 60
"""Of a worker's processor, or of a command's."""
WALL_S = 900
"""Of a command, on a machine with other work."""
BATCH = 50
WORDS = [
    "-1",
    "0",
    "1",
    "2",
    "8191",
    "9" * 25,
    "1e308",
    "nan",
    "1.5",
    "yes",
    "null",
    "[1]",
    "{}",
    "0x1F",
    "é",
    "\0",
    "",
]
FINE = ("refused", "same", "other")
"""Outcomes that are right: one line; the valid input's answer; another answer where nothing tells that it is wrong."""


def generator(reader: str, case: int) -> np.random.Generator:
    """Of a case: the same for the same names and numbers."""
    return np.random.default_rng([case, int(hashlib.sha256(reader.encode()).hexdigest()[:8], 16)])


def damaged(data: bytes, rng: np.random.Generator, text: bool) -> bytes:
    """One to three accidents."""
    for _ in range(int(rng.integers(1, 4))):
        data = (_line if text and rng.random() < 0.7 else _bytes)(data, rng)
    return data


def _bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """A flipped bit, another byte, bytes lost, doubled, zeroed, the end cut off, a number at its limits."""
    size = max(1, len(data))
    first, length = int(rng.integers(size)), int(rng.integers(1, min(size, 64) + 1))
    behind, bit, byte = data[first + length :], 1 << int(rng.integers(8)), int(rng.integers(256))
    number = int(rng.choice([0, 1, 2**31 - 1, 2**32 - 1, 2**16])).to_bytes(8, "little")[: int(rng.choice([1, 2, 4, 8]))]
    accidents = (
        bytes(each ^ bit for each in data[first : first + 1]) + data[first + 1 :],
        bytes([byte]) + data[first + 1 :],
        behind,
        data[first : first + length] + data[first:],
        bytes(length) + behind,
        b"",
        number + data[first + len(number) :],
    )
    return data[:first] + accidents[int(rng.integers(len(accidents)))]


def _line(data: bytes, rng: np.random.Generator) -> bytes:
    """A line lost, doubled, moved; a field, or what is behind a colon, replaced."""
    lines = data.decode("utf8", "replace").split("\n")
    one, other = (int(place) for place in rng.integers(0, len(lines), 2))
    match int(rng.integers(5)):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one])
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case 3:
            words = lines[one].split(",")
            words[int(rng.integers(len(words)))] = str(rng.choice(WORDS))
            lines[one] = ",".join(words)
        case _:
            key, colon, _ = lines[one].partition(":")
            lines[one] = f"{key}{colon} {rng.choice(WORDS)}"
    return "\n".join(lines).encode("utf8", "replace")


def damage(valid: Path, target: Path, reader: str, case: int) -> Path:
    """A damaged copy of the input, in the folder `target`; of a folder one of its files is damaged."""
    rng = generator(reader, case)
    place = target / valid.name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(valid.parent, target)
    files = sorted(path for path in (place.rglob("*") if place.is_dir() else [place]) if path.is_file())
    victim = files[int(rng.integers(len(files)))]
    data = victim.read_bytes()
    packed = victim.suffix == ".gz"
    made = damaged(gzip.decompress(data) if packed else data, rng, READERS[reader].text)
    victim.write_bytes(gzip.compress(made) if packed else made)
    return place


def judged(reader: str, place: Path, scratch: Path, right: str) -> tuple[str, str]:
    """The outcome of a damaged input, and what was said."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        with warnings.catch_warnings(action="ignore"):
            found = READERS[reader].read(place, scratch)
    except QcompressError as fault:
        return ("refused", str(fault)) if "\n" not in str(fault) else ("lines", str(fault))
    except Exception as fault:
        trace = fault.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        at = "" if trace is None else f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        return "traceback", f"{type(fault).__name__}: {fault}{at}"[:300]
    if found == right:
        return "same", ""
    told = found.endswith((" of another sample", " none", " not readable"))  # the card tells it
    return ("wrong" if READERS[reader].sure and not told else "other"), found[:80]


def work(reader: str, first: int, stop: int, folder: Path, public: Path) -> None:
    """A worker: the cases first..stop, a line for each, and one before it is begun."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place, (folder / f"{reader}.jsonl").open("a") as log:
        valid, scratch = made(reader, Path(place), public), Path(place, "scratch")
        scratch.mkdir()
        right = READERS[reader].read(valid, scratch)
        for case in range(first, stop):
            log.write(json.dumps({"case": case, "outcome": "begun"}) + "\n")
            log.flush()
            kept = folder / "found" / f"{reader} {case}"
            signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
            outcome, said = judged(reader, damage(valid, kept, reader, case), scratch, right)
            signal.setitimer(signal.ITIMER_PROF, 0)
            if outcome in FINE:
                shutil.rmtree(kept)
            log.write(json.dumps({"case": case, "outcome": outcome, "said": said}) + "\n")
            log.flush()


def made(reader: str, place: Path, public: Path) -> Path:
    """The valid input, alone with what belongs to it in a folder."""
    (place / "valid").mkdir()
    return READERS[reader].make(place / "valid", public)


def outcomes(folder: Path, name: str) -> dict[int, dict[str, Any]]:
    """The last line of every case."""
    path = folder / f"{name}.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    return {entry["case"]: entry for entry in map(json.loads, lines)}


def in_process(reader: str, cases: int, folder: Path, public: Path) -> None:
    """All cases of a reader that are not done, in workers; a case in which one dies is such a finding."""
    while True:
        known = outcomes(folder, reader)
        missing = [case for case in range(cases) if case not in known]
        if not missing:
            return
        last = next((n for n in range(missing[0], cases) if n in known), cases)
        span = [str(missing[0]), str(min(last, missing[0] + BATCH))]
        command = [sys.executable, __file__, str(folder), "--data", str(public), "--worker", reader, *span]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        begun = [case for case, entry in outcomes(folder, reader).items() if entry["outcome"] == "begun"]
        for case in begun:
            kind = "hang" if done.returncode == -signal.SIGPROF else "crash"
            with (folder / f"{reader}.jsonl").open("a") as log:
                log.write(json.dumps({"case": case, "outcome": kind, "said": f"status {done.returncode}"}) + "\n")
        if done.returncode and not begun:
            raise SystemExit(f"{reader}: the worker failed before its first case: {done.stderr.strip()[-500:]}")


def by_command(reader: str, cases: int, folder: Path, public: Path) -> None:
    """Cases through the command line, in a process each."""
    name = f"{reader} (command)"
    known = outcomes(folder, name)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        valid = made(reader, Path(place), public)
        for case in (case for case in range(cases) if case not in known):
            file = damage(valid, Path(place, "damaged"), name.removesuffix(" (command)"), 10**6 + case)
            out = Path(place, f"out{case}")
            arguments = [part.format(file=file, out=out) for part in READERS[reader].command]
            outcome, said = commanded(arguments, Path(place))
            if outcome not in FINE:
                shutil.copytree(file.parent, folder / "found" / f"{name} {case}", dirs_exist_ok=True)
            with (folder / f"{name}.jsonl").open("a") as log:
                log.write(json.dumps({"case": case, "outcome": outcome, "said": said}) + "\n")


def commanded(arguments: list[str], place: Path) -> tuple[str, str]:
    """The outcome of one call, and what it said."""
    limited = f'ulimit -t {LIMIT_S}; exec {sys.executable} -m qcompress.cli "$@"'
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    try:
        done = subprocess.run(
            ["bash", "-c", limited, "bash", *arguments],
            cwd=place, env=environment, capture_output=True, text=True, timeout=WALL_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "hang", f"{WALL_S} s"
    said = done.stderr.strip()
    if "Traceback" in said:
        return "traceback", said.splitlines()[-1][:300]
    if done.returncode in (-signal.SIGXCPU, 128 + signal.SIGXCPU, -signal.SIGKILL, 137):
        return "hang", f"{LIMIT_S} s of the processor"
    if done.returncode not in (0, 1, 2):
        return "crash", f"status {done.returncode}: {said[-200:]}"
    errors = [line for line in said.splitlines() if not line.startswith("note: ")]
    if done.returncode == 2 and len(errors) != 1:
        return "lines", said[:300]
    return ("refused" if done.returncode else "other"), said[:200]


def table(folder: Path, names: list[str]) -> bool:
    """Print what was found; returns whether all of it is right."""
    kinds = ("refused", "same", "other", "wrong", "traceback", "lines", "crash", "hang")
    print(f"| input | cases | {' | '.join(kinds)} |\n|---|{'---|' * (len(kinds) + 1)}")
    everything: Counter[str] = Counter()
    for name in names:
        found = Counter(entry["outcome"] for entry in outcomes(folder, name).values())
        if found:
            everything += found
            print(f"| {name} | {found.total()} | {' | '.join(str(found[kind]) for kind in kinds)} |")
    print(f"| all | {everything.total()} | {' | '.join(str(everything[kind]) for kind in kinds)} |")
    for name in names:
        for case, entry in outcomes(folder, name).items():
            if entry["outcome"] not in FINE:
                print(f"{name}, case {case}: {entry['outcome']}: {entry['said']}")
    return not set(everything) - set(FINE)


def main() -> None:
    """Run what is missing and print the table; exit status 1 if anything is not right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public files")
    parser.add_argument("--cases", type=int, default=10_000, help="in process, of all readers together")
    parser.add_argument("--commands", type=int, default=300, help="through the commands, of all readers together")
    parser.add_argument("--only", nargs="+", choices=list(READERS), default=list(READERS), help="readers")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker is not None:
        work(given.worker[0], int(given.worker[1]), int(given.worker[2]), given.folder, given.data)
        return
    given.folder.mkdir(parents=True, exist_ok=True)
    commands = [name for name in READERS if READERS[name].command]
    for name in given.only:
        in_process(name, -(-given.cases // len(READERS)), given.folder, given.data)
        if name in commands:
            by_command(name, -(-given.commands // len(commands)), given.folder, given.data)
    sys.exit(0 if table(given.folder, [*READERS, *(f"{name} (command)" for name in commands)]) else 1)


if __name__ == "__main__":
    main()
