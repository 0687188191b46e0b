"""The encoder with learned widths beside the one by hand: the same physics for fewer look-up tables, or better.

    python campaigns/econt_front.py FOLDER [--seeds 3] [--estimated] [--only PLACE...]

First one training whose penalty rises over its epochs, with another sample and seed: its epochs are the front of bit
operations and loss from which the penalties of `POINTS` were read. Then `firmware_configs/econt_48bit.yaml` as it is
and with each of `POINTS`, in full: trained on the config's own sample with each of the seeds, verified on all bodies,
synthesized with yosys, scored on test events, which nothing here was chosen by. Rows and means are printed, front.png
is drawn. The last begins where the one before it ends. With --estimated no Verilog is built: LUT and FF are those of
the estimate, and C++ is the only body beside Keras' or HGQ2's own. FOLDER keeps everything; a campaign that was stopped
goes on. About 6 processor minutes a candidate and seed, 3 with --estimated.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from search_fronts import BY_HAND, COLUMNS, CONFIGS, MEANS, Row, draw_rows, figures_in_full, means

from qcompress import pipeline
from qcompress.config import Config, SampleOptions, load_config
from qcompress.config.changes import changed
from qcompress.detectors import Table
from qcompress.plots.style import canvas, house_style
from qcompress.progress import Reporter
from qcompress.report.tables import as_markdown
from qcompress.search.figures import figures_of
from qcompress.targets.rtl.constant import TARGET

CONFIG = CONFIGS / "econt_48bit.yaml"
LEARNED = {"network.bits": "learned", "training.keep": "last"}
NO_HLS = {"targets.hls": None}
NO_VERILOG: Mapping[str, Any] = {"targets.rtl": None, "synthesis.flow": None, "evaluation.algorithms": []}
POINTS: Mapping[str, Mapping[str, Any]] = {
    BY_HAND: {},
    "penalty 1e-6": {**LEARNED, "training.penalty": 1e-6},
    "penalty 4e-6": {**LEARNED, "training.penalty": 4e-6},
    "then to 1.5e-5": {
        **LEARNED,
        **{"training.epochs": 30, "training.schedule": "cosine", "training.learning_rate": 0.004},
        **{"training.first_penalty": 6e-6, "training.penalty": 1.5e-5},
    },
}
CONTINUES = {3: 2}
"""Place of a point -> that of the point whose last epoch its training begins with."""
RISING = {
    **LEARNED,
    **{"seed": 2, "sample.events": 1000},
    **{"training.epochs": 60, "training.batch_size": 100, "training.learning_rate": 0.004},
    **{"training.schedule": "cosine", "training.final_share": 0.2},
    **{"training.first_penalty": 1e-6, "training.penalty": 1e-4},
}
"""The training whose epochs are a front: fewer events, smaller batches."""


def written(folder: Path, name: str, changes: Mapping[str, Any]) -> Config:
    """The config by hand with `changes`, as a file in folder; it is called `name`."""
    given = yaml.safe_load(CONFIG.read_text())
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(changed(given, {**NO_HLS, "name": name, **changes}), sort_keys=False))
    return load_config(path)


def front_of_one_training(folder: Path, reporter: Reporter) -> list[tuple[float, float]]:
    """(bit operations, validation loss) behind every epoch of the training whose penalty rises."""
    pipeline.run(written(folder, "rising", RISING), folder / "rising", "train", reporter)
    with (folder / "rising" / "model" / "encoder_history.csv").open() as file:
        return [(float(row["bit_operations"]), float(row["val_loss"])) for row in csv.DictReader(file)]


def in_full(folder: Path, place: int, seed: int, sample: Path, estimated: bool, reporter: Reporter) -> Row:
    """A candidate of `POINTS`, by its place, made in full with a seed on a sample; estimated: without Verilog."""
    name, changes = list(POINTS.items())[place]
    if (before := CONTINUES.get(place)) is not None:
        start = (folder / f"point{before}_{seed}" / "model" / "checkpoints" / "last").resolve()
        changes = {**changes, "training.start": str(start)}
    changes = {**changes, "seed": seed, **(NO_VERILOG if estimated else {})}
    config = written(folder, f"point{place}_{seed}", changes)
    config = config.model_copy(update={"sample": SampleOptions(file=sample.resolve())})
    candidate = pipeline.run(config, folder / config.name, None, reporter)
    row = Row(name, seed, *figures_in_full(candidate, "emd_mean"))
    if estimated:
        row = row._replace(lut=row.estimated, ff=int(figures_of(candidate, TARGET, None)["ff"]))
    return row


def front_figure(path: Path, front: Sequence[tuple[float, float]], rows: Sequence[Row], origin: str) -> None:
    """The epochs of the one training, and the candidates in full; origin: of their LUT."""
    with house_style(16, 18, 12):
        figure, (left, right) = canvas((15, 6.5), 1, 2)
        left.plot(*zip(*front, strict=True), "o-", color="C0", label="epochs of one training")
        left.set_xlabel("Effective bit operations")
        left.set_ylabel("Validation loss")
        draw_rows(right, rows)
        right.set_xlabel(f"LUT ({origin})")
        right.set_ylabel("Mean EMD [half trigger-cell pitch]")
        right.set_xlim(0, 1.15 * max(row.lut for row in rows))
        right.set_ylim(0.9 * min(row.score for row in rows), 1.1 * max(row.score for row in rows))
        left.set_xlim(0)
        for axes in (left, right):
            axes.grid(alpha=0.3)
            axes.legend()
        figure.savefig(path, dpi=100, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", type=int, nargs="*", choices=range(len(POINTS)), help="of POINTS, by their places")
    parser.add_argument("--estimated", action="store_true", help="no Verilog: LUT and FF of the estimate")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    places = range(len(POINTS)) if given.only is None else given.only
    with Reporter(Console(width=160)) as reporter:
        base = written(given.folder, "sample", {})
        pipeline.run(base, given.folder / "sample", "sample", reporter)
        sample = given.folder / "sample" / "sample" / "sample.h5"
        front = front_of_one_training(given.folder, reporter) if given.only is None else []
        seeds = range(base.seed, base.seed + given.seeds)
        rows = [in_full(given.folder, at, seed, sample, given.estimated, reporter) for seed in seeds for at in places]
    print(as_markdown(Table("", COLUMNS, tuple(rows))))
    print(as_markdown(Table("", MEANS, tuple(means(rows)))))
    if front:
        front_figure(given.folder / "front.png", front, rows, "estimated" if given.estimated else "yosys")


if __name__ == "__main__":
    main()
