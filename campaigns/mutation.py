"""Mutation test of the compiler: of a seeded sample of mutmut's mutants of a room, how many its tests notice.

    pip install mutmut==3.8.1
    python campaigns/mutation.py graph --out FOLDER [--sample 100] [--second] [--only MUTANT ...]

mutmut, no dependency of qcompress, makes the mutants: each is one small change in the body of a function. It is written
into a copy of the repository, where the room's tests run in a fresh process with a temporary folder of its own, those
named like the module first, until one fails. What takes three times as long as the unmutated room is a timeout.
--second draws others than the first sample. Verdicts go to FOLDER/ROOM.jsonl, and a run that was stopped goes on there;
--only judges single mutants again. A hundred mutants take hours.
"""

import argparse
import difflib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from scipy.stats import binomtest

HERE = Path(__file__).resolve().parents[1]
TESTS = {
    "graph": ("tests/graph", "tests/frontends", "tests/targets/cpp"),
    "frontends": (
        "tests/frontends",
        "tests/training/test_exact_layers.py",
        "tests/detectors/hgcal/encoder/test_arithmetic.py",
    ),
    "targets": ("tests/targets", "tests/frontends/test_every_body.py"),
}
"""What looks at a room."""


class Mutant(NamedTuple):
    """One change: its module, its number among the module's, the module's whole text before and after."""

    module: str
    number: int
    original: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.module}#{self.number}"

    def change(self) -> str:
        """The lines that differ."""
        lines = difflib.unified_diff(self.original.splitlines(), self.text.splitlines(), lineterm="", n=0)
        return "\n".join([*lines][2:])


def draw(room: str, size: int, second: bool) -> list[Mutant]:
    """The room's first `size` seeded mutants, or those of a second draw that are not among the 150 of the first."""
    from libcst import FunctionDef
    from mutmut.mutation.file_mutation import create_mutations

    made, pool = {}, []
    for path in sorted((HERE / "qcompress" / room).rglob("*.py")):
        name = path.relative_to(HERE).as_posix()
        module, changes, *_ = create_mutations(str(path), path.read_text())
        made[name] = module, changes
        pool += [(name, i) for i, c in enumerate(changes) if isinstance(c.contained_by_top_level_function, FunctionDef)]
    print(f"{room}: {len(pool)} mutants in all")
    seed = f"qcompress {room} 3.8.1"
    chosen = random.Random(seed).sample(pool, 150)  # noqa: S311
    if second:
        chosen = [one for one in random.Random(f"{seed} second").sample(pool, 250) if one not in chosen]  # noqa: S311
    drawn = []
    for name, number in chosen[:size]:
        module, changes = made[name]
        text = module.deep_replace(changes[number].original_node, changes[number].mutated_node).code
        drawn.append(Mutant(name, number, (HERE / name).read_text(), text))
    return drawn


def test_files(room: str, module: str) -> list[str]:
    """The room's test files, those named like the module first, else small ones first."""
    files = {file for place in TESTS[room] for file in HERE.glob(place if "." in place else f"{place}/test_*.py")}
    words = set(Path(module).stem.split("_"))
    order = sorted(files, key=lambda file: (not words & set(file.stem.split("_")), file.stat().st_size))
    return [file.relative_to(HERE).as_posix() for file in order]


def judge(tree: Path, files: list[str], limit: float) -> tuple[str, float, str]:
    """Verdict, seconds and what failed of the tests in `tree`, which is what its sources are now."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.rmtree(tree / ".hypothesis", ignore_errors=True)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"--basetemp={folder}/pytest"]
        alone = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": folder, "XDG_CACHE_HOME": folder}
        start = time.monotonic()
        run = subprocess.Popen(
            [*command, *files],
            cwd=tree,
            env={"QCOMPRESS_DATA": str(HERE.parent / "shared" / "data")} | os.environ | alone,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said = run.communicate(timeout=limit)[0]
            verdict = "killed" if run.returncode else "survived"
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            said, verdict = run.communicate()[0], "timeout"
    failed = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return verdict, round(time.monotonic() - start, 1), failed[0][:300] if failed else ""


def main() -> None:
    """Judge the sample's mutants and print the share that is noticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("room", choices=TESTS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--second", action="store_true")
    parser.add_argument("--only", nargs="+", default=[])
    given = parser.parse_args()
    tree, book = given.out.resolve() / "tree", given.out.resolve() / f"{given.room}{'_second' * given.second}.jsonl"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(HERE, tree, ignore=shutil.ignore_patterns(".*", "__pycache__", "build"))
    os.chdir(tree.parent)  # where mutmut looks for what is to be mutated
    Path("setup.cfg").write_text("[mutmut]\nsource_paths=tree\n")
    drawn = draw(given.room, given.sample, given.second)
    verdict, seconds, failed = judge(tree, test_files(given.room, ""), 36000)
    assert verdict == "survived", f"the unmutated tests fail: {failed}"
    print(f"unmutated: {seconds} s", flush=True)
    rows = [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []
    judged = {row["mutant"]: row["verdict"] for row in rows}
    for mutant in drawn:
        if mutant.name in given.only or (not given.only and mutant.name not in judged):
            (tree / mutant.module).write_text(mutant.text)
            verdict, took, failed = judge(tree, test_files(given.room, mutant.module), 3 * seconds + 60)
            (tree / mutant.module).write_text(mutant.original)
            judged[mutant.name] = verdict
            with book.open("a") as file:
                file.write(json.dumps({"mutant": mutant.name, "verdict": verdict, "failed": failed, "s": took}) + "\n")
            print(f"{mutant.name}: {verdict} {took} s {failed}\n{mutant.change()}", flush=True)
    counts = Counter(judged.values())
    low, high = binomtest(counts["killed"], counts.total()).proportion_ci(method="wilson")
    print(f"{dict(counts)}: {counts['killed'] / counts.total():.3f} killed, 95 % interval {low:.3f} to {high:.3f}")


if __name__ == "__main__":
    main()
