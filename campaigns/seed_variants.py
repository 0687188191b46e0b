"""Train the encoders of firmware_configs/econt_seed_*.yaml, one after the other, and print what each one learned from.

    python campaigns/seed_variants.py FOLDER [--names electron_pu200 ..] [--events NAME=NUMBER ..] [--also CANDIDATE ..]

Candidates lie in FOLDER/econt_seed_NAME; steps that are done are not done again. Processor seconds of every step, of
all its processes, are kept in FOLDER/seconds.json. --events simulates fewer events than a config says; --also adds
candidates that are there to the table. `response.py` and `conservation.py` score them.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.candidate.figures import SAMPLE, TRAINING
from qcompress.detectors import Table
from qcompress.files import write_json
from qcompress.report.tables import as_markdown

CONFIGS = Path(__file__).resolve().parents[1] / "firmware_configs"
NAMES = ("electron_pu200", "ttbar_pu200", "electron_pu0", "calq", "mask", "remove")
PREFIX = "econt_seed_"
ZERO = "of them with target zero"
STEPS = ("sample", "train", "compile")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
"""The same sums in the same order, whatever else the machine does."""


def waited_for() -> float:
    """Processor seconds of the commands that this process has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(folder: Path) -> dict[str, float]:
    """Of every step that was run here, by `NAME STEP`."""
    path = folder / "seconds.json"
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def run(name: str, folder: Path, events: int | None) -> None:
    """What is missing of a variant."""
    text = (CONFIGS / f"{PREFIX}{name}.yaml").read_text()
    if events is not None:
        lines = text.splitlines(keepends=True)
        text = "".join(f"  events: {events}\n" if line.startswith("  events:") else line for line in lines)
    config, place = folder / f"{PREFIX}{name}.yaml", folder / f"{PREFIX}{name}"
    config.write_text(text)
    for step in STEPS:
        if (place / "manifest.json").is_file() and step in Candidate.open(place).steps:
            continue
        began = waited_for()
        command = [sys.executable, "-m", "qcompress.cli", "run", str(config), "--until", step, "--out", str(place)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | ONE_THREAD)
        write_json(folder / "seconds.json", seconds(folder) | {f"{name} {step}": round(waited_for() - began, 1)})
        print(f"{name} {step}: {seconds(folder)[f'{name} {step}']:.0f} s", file=sys.stderr, flush=True)


def learned_from(candidates: dict[str, Path], took: dict[str, float]) -> Table:
    """A row a candidate: its sample, how many modules of it trained it, and how long."""
    rows = []
    for name, place in candidates.items():
        found = Candidate.open(place)
        sample, training = found.figures_of(SAMPLE), found.figures_of(TRAINING)["encoder"]
        kind = found.manifest["config"]["sample"]["simulate"] or Path(sample.origin).name
        card = place / "sample" / "sample.card.json"
        counts = json.loads(card.read_text()).get("counts", {}) if card.is_file() else {}
        cells = [f"{took[key]:.0f}" if (key := f"{name} {step}") in took else "-" for step in ("sample", "train")]
        rows.append(
            (
                *(name, kind, sample.events, sample.rows),
                *(counts.get(ZERO, 0), training.training_rows),
                f"{training.epochs} ({training.best_epoch})",
                *cells,
            )
        )
    columns = (
        *("encoder", "sample", "events", "modules", ZERO, "modules that train"),
        *("epochs (best)", "simulation [processor s]", "training [processor s]"),
    )
    return Table("What encoders learned from", columns, tuple(rows))


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--names", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--events", nargs="*", default=(), metavar="NAME=NUMBER", help="other than the config's")
    parser.add_argument("--also", type=Path, nargs="*", default=(), help="folders of candidates that are there")
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    events = {name: int(number) for name, number in (words.split("=") for words in given.events)}
    for name in given.names:
        run(name, folder, events.get(name))
    candidates = {path.name: path for path in given.also} | {n: folder / f"{PREFIX}{n}" for n in given.names}
    table = learned_from(candidates, seconds(folder))
    print(f"## {table.title}\n\n{as_markdown(table)}")


if __name__ == "__main__":
    main()
