"""Searches against candidates that were chosen by hand: the same physics for fewer look-up tables.

    python campaigns/search_fronts.py STUDY FOLDER [--trials 12] [--seeds 1] [--workers 1]

STUDY: tpc (firmware_configs/tpc_small.yaml, widths learned) or econt (firmware_configs/econt_48bit.yaml: filters,
widths and training). The search has a sample and a seed of its own. The config chosen by hand is one more candidate of
the search's sizes; of the trials whose physics is at least as good the one with the fewest estimated LUT is taken. It
and the one by hand are then made in full, with each of the seeds: trained, verified on all bodies and synthesized with
yosys on the config's own sample, whose events the search never saw, and printed side by side. FOLDER keeps everything;
a campaign that was stopped goes on.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml
from rich.console import Console

from qcompress import pipeline
from qcompress.candidate import Candidate
from qcompress.candidate.figures import EVALUATION, SYNTHESIS, VERIFICATION
from qcompress.config import Config, load_config
from qcompress.config.changes import changed
from qcompress.detectors import Table, load_detector
from qcompress.errors import QcompressError
from qcompress.pipeline.splitting import check_events
from qcompress.progress import Reporter
from qcompress.report.tables import as_markdown, cell
from qcompress.report.terminal import print_tables
from qcompress.search import Search, config_of_trial, read_search, run_search
from qcompress.search.records import RECORDS
from qcompress.search.trial import Task, run_trial

CONFIGS = Path(__file__).parents[1] / "firmware_configs"
COLUMNS = ("candidate", "seed", "score", "LUT", "FF", "codes that differ", "codes compared")


@dataclass(frozen=True)
class StudyOf:
    """A config by hand, its figure of physics, what the searched one has besides, and the section search."""

    config: str
    score: str
    changes: Mapping[str, Any]
    search: Mapping[str, Any]


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
        {"targets.hls": None},
        {
            "space": {
                "network.filters": {"low": 2, "high": 8},
                "network.weight_bits": {"low": 2, "high": 6},
                "network.activation_bits": {"low": 3, "high": 8},
                "training.learning_rate": {"low": 0.002, "high": 0.02, "log": True},
            },
            "objectives": {"emd_mean": "minimize", "lut": "minimize"},
            "trial": {"seed": 2, "sample.events": 400, "training.epochs": 20, "evaluation.rows": 500},
        },
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


def chosen(folder: Path, study: StudyOf, least: float) -> int:
    """The trial of fewest LUT whose physics is at least as good, else the one of the best physics."""
    sign = 1 if study.search["objectives"][study.score] == "minimize" else -1
    found = [each for each in json.loads((folder / RECORDS).read_text())["trials"] if each["state"] == "complete"]
    good = [each for each in found if sign * each["figures"][study.score] <= sign * least]
    if good:
        return int(min(good, key=lambda each: each["figures"]["lut"])["number"])
    print("no trial has physics as good: the one that comes nearest is taken")
    return int(min(found, key=lambda each: sign * each["figures"][study.score])["number"])


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


def in_full(config: Config, seeds: Sequence[int], folder: Path, study: StudyOf, reporter: Reporter) -> list[Any]:
    """A row of `COLUMNS` for every seed of a candidate that is made in full."""
    rows = []
    for seed in seeds:
        own = config.model_copy(update={"seed": seed})
        candidate = pipeline.run(own, folder / f"{config.name}_{seed}", None, reporter)
        rows.append((config.name, seed, *_figures(candidate, study)))
    return rows


def _figures(candidate: Candidate, study: StudyOf) -> tuple[Any, ...]:
    reports = candidate.figures_of(SYNTHESIS).values()
    verified = [one for own in candidate.figures_of(VERIFICATION).values() for one in own]
    return (
        candidate.figures_of(EVALUATION).summary[study.score],
        sum(report.lut or 0 for report in reports),
        sum(report.ff or 0 for report in reports),
        sum(one.mismatches for one in verified),
        sum(one.codes for one in verified),
    )


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
        number = chosen(search.folder, study, figures[study.score])
        configs = load_config(hand), config_of_trial(search.folder, number)
        seeds = usable(configs[0], given.seeds)
        rows = [row for config in configs for row in in_full(config, seeds, given.folder / "in_full", study, reporter)]
    print(as_markdown(Table("", COLUMNS, tuple(rows))))
    sizes = [fmean(row[3] for row in rows if row[0] == config.name) for config in configs]
    scores = [fmean(row[2] for row in rows if row[0] == config.name) for config in configs]
    print(
        f"{study.score} {scores[1]:.4f} against {scores[0]:.4f}, LUT {sizes[1]:.0f} against {sizes[0]:.0f}: "
        f"{sizes[1] / sizes[0]:.2f} of them"
    )


if __name__ == "__main__":
    main()
