"""Searches against candidates that were chosen by hand: the same physics for fewer look-up tables, better for as many.

    python campaigns/search_fronts.py STUDY FOLDER [--trials 12] [--seeds 1] [--workers 1]

STUDY: tpc (firmware_configs/tpc_small.yaml) or econt (firmware_configs/econt_48bit.yaml), widths learned, size and
training varied. The search has a sample and a seed of its own. The config chosen by hand is one more candidate of the
search's sizes. Two trials are taken: of those whose physics is at least as good the one with the fewest estimated LUT,
and of those with at most as many LUT the one of the best physics. They and the one by hand are then made in full, with
each of the seeds: trained, verified on all bodies and synthesized with yosys on the config's own sample, whose events
the search never saw, printed side by side and drawn in front.png. A seed is that of the training, and of the sample
too where one is quickly made (tpc). FOLDER keeps everything; a campaign that was stopped goes on.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

import yaml
from rich.console import Console

from qcompress import pipeline
from qcompress.candidate import Candidate
from qcompress.candidate.figures import EVALUATION, SYNTHESIS, VERIFICATION
from qcompress.config import Config, SampleOptions, load_config
from qcompress.config.changes import changed
from qcompress.detectors import Table, load_detector
from qcompress.errors import QcompressError
from qcompress.pipeline.splitting import check_events
from qcompress.plots.style import canvas, house_style
from qcompress.progress import Reporter
from qcompress.report.tables import as_markdown, cell
from qcompress.report.terminal import print_tables
from qcompress.search import Search, config_of_trial, read_search, run_search
from qcompress.search.figures import figures_of
from qcompress.search.records import RECORDS
from qcompress.search.trial import Task, run_trial
from qcompress.targets.rtl.constant import TARGET

CONFIGS = Path(__file__).parents[1] / "firmware_configs"
COLUMNS = ("candidate", "seed", "score", "LUT", "FF", "codes that differ", "codes compared", "LUT, estimated")
MEANS = ("candidate", "score", "+-", "LUT", "+-", "of the LUT by hand", "estimated over found LUT")
BY_HAND = "by hand"
MARKERS = "oD^v<>Pphd*X"
"""Of candidates in figures, but of the one by hand."""


class Row(NamedTuple):
    """A candidate that was made in full, as `COLUMNS` have it."""

    candidate: str
    seed: int
    score: float
    lut: int
    ff: int
    mismatches: int
    codes: int
    estimated: int


@dataclass(frozen=True)
class StudyOf:
    """A config by hand, its figure of physics, what the searched one has besides, and the section search.

    one_sample: whether all seeds are trained on the sample of the config's own seed.
    """

    config: str
    score: str
    changes: Mapping[str, Any]
    search: Mapping[str, Any]
    one_sample: bool = False

    @property
    def sign(self) -> int:
        """1 where less of the score is better, else -1."""
        return 1 if self.search["objectives"][self.score] == "minimize" else -1


STUDIES = {
    "tpc": StudyOf(
        "tpc_small.yaml",
        "auc",
        {"network.bits": "learned", "training.keep": "last", "targets.rtl_loadable": None},
        {
            "space": {
                "network.layers": [1, 2],
                "network.neurons": {"low": 8, "high": 16},
                "training.penalty": {"low": 3e-6, "high": 6e-5, "log": True},
                "training.learning_rate": {"low": 0.003, "high": 0.02, "log": True},
            },
            "objectives": {"auc": "maximize", "lut": "minimize"},
            "trial": {"seed": 2, "training.epochs": 6, "evaluation.rows": 30000},
        },
    ),
    "econt": StudyOf(
        "econt_48bit.yaml",
        "emd_mean",
        {"network.bits": "learned", "training.keep": "last", "targets.hls": None},
        {
            "space": {
                "network.filters": [8, 12, 16],
                "training.penalty": {"low": 5e-7, "high": 1e-5, "log": True},
                "training.learning_rate": {"low": 0.004, "high": 0.012, "log": True},
            },
            "objectives": {"emd_mean": "minimize", "lut": "minimize"},
            "trial": {"seed": 2, "sample.events": 1000, "training.epochs": 30, "evaluation.rows": 500},
        },
        one_sample=True,
    ),
}


def written(study: StudyOf, folder: Path, trials: int) -> tuple[Path, Path]:
    """The config by hand, without what is not compared, and the one to search, as files."""
    given = yaml.safe_load((CONFIGS / study.config).read_text())
    hand = changed(given, {key: None for key in study.changes if key.startswith("targets.")})
    searched = {**changed(given, study.changes), "search": {**study.search, "trials": trials}}
    paths = folder / "by_hand.yaml", folder / "searched.yaml"
    for path, values in zip(paths, (hand, searched), strict=True):
        path.write_text(yaml.safe_dump(values, sort_keys=False))
    return paths


def hand_as_trial(search: Search, hand: Path) -> Mapping[str, float]:
    """Figures of the config by hand at the search's sizes, on its sample."""
    own = Search(hand, load_config(hand, changes=search.options.trial), search.options, search.folder)
    task = Task(0, own.small(own.config, 0, {}), str(search.folder / "by_hand"), search.steps, {}, search.wanted)
    outcome = run_trial(task)
    if outcome.fault is not None:
        raise SystemExit(f"{hand}: {outcome.fault}")
    return outcome.figures


def chosen(folder: Path, study: StudyOf, hand: Mapping[str, float]) -> dict[str, int]:
    """What a trial is taken for -> its number, of the search in `folder`; hand: figures of the one by hand.

    Where no trial is within the bound, the one that comes nearest is taken, and it is said.
    """
    told = json.loads((folder / RECORDS).read_text())["trials"]
    found = [each for each in told if each["state"] == "complete"]

    def score(each: Any) -> float:
        return float(study.sign * each["figures"][study.score])

    def lut(each: Any) -> float:
        return float(each["figures"]["lut"])

    good = [each for each in found if score(each) <= study.sign * hand[study.score]]
    small = [each for each in found if lut(each) <= hand["lut"]]
    if not good or not small:
        print(f"no trial is {'as good' if not good else 'as small'}: the one that comes nearest is taken")
    return {
        "fewest LUT": int((min(good, key=lut) if good else min(found, key=score))["number"]),
        f"best {study.score}": int((min(small, key=score) if small else min(found, key=lut))["number"]),
    }


def usable(config: Config, many: int) -> list[int]:
    """So many seeds, from the config's own on, that leave events of its sample for every part of the split."""
    found: list[int] = []
    seed = config.seed
    while len(found) < many:
        with suppress(QcompressError):
            check_events(
                config.model_copy(update={"seed": seed}), load_detector(config.detector), ["train", "evaluate"]
            )
            found.append(seed)
        seed += 1
    return found


def in_full(config: Config, name: str, seed: int, folder: Path, study: StudyOf, reporter: Reporter) -> Row:
    """A candidate that is made in full with a `seed`, on its own sample or the one that all seeds share."""
    own = config.model_copy(update={"seed": seed})
    if study.one_sample:
        shared = folder / "sample"
        pipeline.run(config, shared, "sample", reporter)
        own = own.model_copy(update={"sample": SampleOptions(file=shared / "sample" / "sample.h5")})
    candidate = pipeline.run(own, folder / f"{config.name}_{seed}", None, reporter)
    return Row(name, seed, *figures_in_full(candidate, study.score))


def figures_in_full(candidate: Candidate, score: str) -> tuple[Any, ...]:
    """Score, LUT, FF, codes that differ and compared, and the estimate's LUT of a candidate."""
    reports = (candidate.figures_if_run(SYNTHESIS) or {}).values()
    verified = [one for own in candidate.figures_of(VERIFICATION).values() for one in own]
    return (
        candidate.figures_of(EVALUATION).summary[score],
        sum(report.lut or 0 for report in reports),
        sum(report.ff or 0 for report in reports),
        sum(one.mismatches for one in verified),
        sum(one.codes for one in verified),
        int(figures_of(candidate, TARGET, None)["lut"]),
    )


def means(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    """A row of `MEANS` for each candidate: means over the seeds with their errors, the spread over the root of them."""
    by_hand = [row.lut for row in rows if row.candidate == BY_HAND]
    found = []
    for name in dict.fromkeys(row.candidate for row in rows):
        own = [row for row in rows if row.candidate == name]
        columns: list[Any] = [name]
        for values in ([row.score for row in own], [float(row.lut) for row in own]):
            error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
            columns += [fmean(values), error]
        estimate = fmean(row.estimated / row.lut for row in own)
        found.append((*columns, columns[3] / fmean(by_hand) if by_hand else None, estimate))
    return found


def draw_rows(axes: Any, rows: Sequence[Row]) -> None:
    """Score against LUT: a point for each row, markers and colours by candidate, the one by hand a square."""
    others = [name for name in dict.fromkeys(row.candidate for row in rows) if name != BY_HAND]
    styles = {BY_HAND: ("s", "C2")} | {
        name: (MARKERS[number], f"C{(number + (number >= 2)) % 10}") for number, name in enumerate(others)
    }
    for name, (marker, colour) in styles.items():
        if own := [row for row in rows if row.candidate == name]:
            x, y = [row.lut for row in own], [row.score for row in own]
            axes.plot(x, y, marker, color=colour, markersize=9, label=name)


def front_figure(path: Path, folder: Path, study: StudyOf, hand: Mapping[str, float], rows: Sequence[Row]) -> None:
    """Trials of the search in `folder` by the estimate, and candidates in full by yosys: score against LUT."""
    told = [each for each in json.loads((folder / RECORDS).read_text())["trials"] if each["state"] == "complete"]
    with house_style(16, 18, 12):
        figure, (left, right) = canvas((15, 6.5), 1, 2)
        for best, face in ((False, "none"), (True, "C0")):
            own = [each["figures"] for each in told if each["best"] == best]
            x, y = ([each[key] for each in own] for key in ("lut", study.score))
            label = "trials on the front" if best else "other trials"
            left.plot(x, y, "o", color="C0", markerfacecolor=face, markersize=9, label=label)
        left.plot([hand["lut"]], [hand[study.score]], "s", color="C2", markersize=11, label=BY_HAND)
        draw_rows(right, rows)
        for axes, what in ((left, "trials, estimated"), (right, "in full, yosys")):
            axes.set_xlabel(f"LUT ({what})")
            axes.set_ylabel(f"{load_detector(load_config(CONFIGS / study.config).detector).score_labels[study.score]}")
            axes.set_xlim(0)
            axes.grid(alpha=0.3)
            axes.legend()
        figure.savefig(path, dpi=100, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    study, console = STUDIES[given.study], Console(width=160)
    given.folder.mkdir(parents=True, exist_ok=True)
    hand, searched = written(study, given.folder, given.trials)
    search = read_search(searched, given.folder / "search", None)
    with Reporter(console) as reporter:
        tables = run_search(search, reporter, given.workers)
        print_tables(tables, console)
        figures = hand_as_trial(search, hand)
        print(f"by hand at these sizes: {study.score} {cell(figures[study.score])}, LUT {figures['lut']} (estimated)")
        by_hand = load_config(hand)
        configs = {BY_HAND: by_hand}
        for why, number in chosen(search.folder, study, figures).items():
            configs[f"{why}: trial {number}"] = config_of_trial(search.folder, number)
        rows = [
            in_full(config, name, seed, given.folder / "in_full", study, reporter)
            for seed in usable(by_hand, given.seeds)
            for name, config in configs.items()
        ]
    print(as_markdown(Table("", COLUMNS, tuple(rows))))
    print(as_markdown(Table("", MEANS, tuple(means(rows)))))
    front_figure(given.folder / "front.png", search.folder, study, figures, rows)


if __name__ == "__main__":
    main()
