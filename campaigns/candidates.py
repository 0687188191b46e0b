"""Make the candidates of firmware_configs/econt_w*.yaml, one after the other; start it again to go on.

    python campaigns/candidates.py FOLDER [--networks-only | --tables] [--until STEP] [--synthesize NAME ..]

Candidates of one network differ in their targets only: the trained steps are copied from the first one, and the
pipeline, which compares the hashes of their inputs, takes them as they are. --networks-only trains and evaluates every
network once, builds no Verilog, and writes candidates.csv, candidates.md and pareto.png into FOLDER: resources are then
estimates, and the EMD is that of the candidate's network; --tables writes them anew of what is there. Candidates named
with --synthesize are built as well, in FOLDER/built, and synthesized for an FPGA and for generic cells.
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.config import load_config
from qcompress.report.comparison import comparison_table
from qcompress.report.implementations import Row, row_of
from qcompress.report.pareto import pareto_figure
from qcompress.report.tables import as_csv, as_markdown
from qcompress.targets import Kind

CONFIGS = Path(__file__).resolve().parents[1] / "firmware_configs"
ORDER = ("constant", "loadable", "folded16", "folded4")
SAMPLED = ("manifest.json", "sample")
TRAINED = (*SAMPLED, "model")
SCORE = "emd_mean"
FLOWS = ("yosys-xilinx", "yosys-asic")


def network(name: str) -> str:
    """The part of a candidate's name that tells its network."""
    return re.sub(r"_[a-z]+\d*$", "", name)


def names() -> list[str]:
    """All candidates, those with constant weights first."""
    found = [path.stem for path in CONFIGS.glob("econt_w*.yaml")]
    return sorted(found, key=lambda name: (ORDER.index(name.rsplit("_", 1)[1]), name))


def run(config: Path, folder: Path, until: str) -> None:
    """Run a config; what a copied candidate holds of other configs is made again."""
    qcompress(folder.name, "run", str(config), "--out", str(folder), "--until", until, "--replace")


def qcompress(what: str, *words: str) -> None:
    """Run a command from outside and say how it went."""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "qcompress.cli", *words], capture_output=True, text=True, check=False)
    how = "done" if done.returncode == 0 else f"exit {done.returncode}: {done.stderr.strip()}"
    print(f"{what}: {words[0]} {how}, {time.monotonic() - started:.0f} s", flush=True)


def begin(own: Path, other: Path, parts: tuple[str, ...]) -> None:
    """Give a candidate that has not begun what another one has and it would repeat."""
    if own.exists() or not all((other / part).exists() for part in parts):
        return
    own.mkdir(parents=True)
    for part in parts:
        (shutil.copytree if (other / part).is_dir() else shutil.copy2)(other / part, own / part)


def make_all(folder: Path, until: str) -> None:
    """Every candidate by itself."""
    for name in names():
        own, sibling = folder / name, folder / f"{network(name)}_constant"
        begin(own, sibling, TRAINED)
        run(CONFIGS / f"{name}.yaml", own, until)


def make_networks(folder: Path) -> None:
    """Every network once, without Verilog."""
    for name in names():
        own = folder / f"{network(name)}_constant"
        if name == own.name:
            text = re.sub(r"^  rtl\w*: .*\n", "", (CONFIGS / f"{name}.yaml").read_text(), flags=re.M)
            bare = folder / f"{name}.yaml"
            bare.write_text(text.replace("hls: null", "hls: null\n  rtl: null"))
            begin(own, folder / names()[0], SAMPLED)  # all networks learn from one sample
            run(bare, own, "evaluate")


def synthesize(folder: Path, chosen: Iterable[str]) -> None:
    """Build and synthesize candidates of trained networks, in FOLDER/built."""
    for name in chosen:
        own = folder / "built" / name
        begin(own, folder / f"{network(name)}_constant", TRAINED)
        run(CONFIGS / f"{name}.yaml", own, "compile")
        qcompress(name, "synth", str(own), *(word for flow in FLOWS for word in ("--flow", flow)))


def rows_of(folder: Path) -> list[Row]:
    """All candidates whose network is done, with its scores; figures of those that are built are their own."""
    rows = []
    for name in names():
        config = load_config(CONFIGS / f"{name}.yaml")
        (implementation,) = [choice.target for choice in config.choices() if choice.family.kind is Kind.VERILOG]
        trained = Candidate.open(folder / f"{network(name)}_constant")
        place = folder / "built" / name
        if "evaluate" in trained.steps:
            scored = own = row_of(trained, implementation, None, config.hardware)
            if (place / "graph").is_dir():
                own = row_of(Candidate.open(place), implementation, None)
            rows.append(replace(own, name=name, scores=scored.scores, labels=scored.labels))
    return rows


def main() -> None:
    """Candidates, or networks and the comparison of candidates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--networks-only", action="store_true")
    alone.add_argument("--tables", action="store_true")
    parser.add_argument("--until", default="report")
    parser.add_argument("--synthesize", nargs="*", choices=names(), default=[], metavar="NAME")
    given = parser.parse_args()
    if given.tables and (given.synthesize or not (given.folder / f"{names()[0]}").is_dir()):
        parser.error("--tables takes a folder of candidates that are there, and makes none")
    given.folder.mkdir(parents=True, exist_ok=True)
    if not given.networks_only and not given.tables:
        make_all(given.folder, given.until)
        return
    if not given.tables:
        make_networks(given.folder)
        synthesize(given.folder, given.synthesize)
    rows = rows_of(given.folder)
    table = comparison_table(rows)
    (given.folder / "candidates.csv").write_text(as_csv(table))
    (given.folder / "candidates.md").write_text(as_markdown(table))
    drawn = pareto_figure(rows, SCORE, given.folder / "pareto.png", "lut")
    print(f"{drawn} of {len(names())} candidates in the figure")


if __name__ == "__main__":
    main()
