"""TPC networks trained and scored on simulated sectors: input sizes, thresholds, the L x N grid, three candidates.

    python campaigns/tpc.py FOLDER [--figures docs/figures] [--rows 40000] [--epochs 15] [--frames 5]

Start it again to go on: what lies finished in FOLDER is not made again. One seed. Regressors and classifiers are
trained on at most --rows maxima of the training frames of all occupancies together, scored on all maxima of the test
frames by the integers of their graphs. Tables and the seconds of every training are printed; figures go to --figures.
"""

import argparse
import json
import re
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors import TEST, TRAIN, VALIDATION
from qcompress.detectors.tpc import samples
from qcompress.detectors.tpc.evaluation import counting
from qcompress.detectors.tpc.evaluation.resolution import by_occupancy, known, residuals
from qcompress.detectors.tpc.evaluation.scoring import score_frames
from qcompress.detectors.tpc.networks import maxima
from qcompress.detectors.tpc.networks.losses import keep_loss, quantity_loss
from qcompress.detectors.tpc.networks.models import (
    CLASSIFIER,
    REGRESSOR,
    NetworkOptions,
    build_model,
)
from qcompress.detectors.tpc.networks.stages import RATIO_FORMAT, CentreDivision
from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.detectors.tpc.simulation import fast_simulation
from qcompress.frontends.qkeras import from_keras, predict, save_model
from qcompress.metrics.response import effective_rms
from qcompress.metrics.roc import roc
from qcompress.plots.curves import Line, curves_figure, panels_figure
from qcompress.progress import silent
from qcompress.training.checkpoint import assign
from qcompress.training.fit import TrainingData, TrainingOptions, fit, make_deterministic

SEED = 5
"""With it, every occupancy has three training frames of five, one to validate and one to test."""
PERCENT = (2, 10, 20, 40)
TITLE = "qcompress TPC fast simulation, test frames"
NETWORK_TITLE = re.compile(r"^class_(.*)_l(\d+)n(\d+)$")
"""Window, layers and neurons in the name of a classifier."""
LAYERS, NEURONS = (2, 3, 4, 5), (16, 32, 64, 128)
WIDE = {"weight_bits": 10, "activation_bits": 10}
"""Of regressors, whose residuals are a tenth of a pad."""


def classifiers() -> dict[str, dict[str, Any]]:
    """Names and options: input sizes of one network, then the sizes of network that are candidates."""
    sizes = ("1x5x5", "3x5x5", "3x7x7", "1x9x9", "3x9x9", "7x7x7")
    named = {f"class_{size}_l2n32": {"window": size, "layers": 2, "neurons": 32} for size in sizes}
    named["class_3x5x5_l2n16"] = {"window": "3x5x5", "layers": 2, "neurons": 16}
    named["class_3x9x9_l1n128"] = {"window": "3x9x9", "layers": 1, "neurons": 128}
    return named


def regressors() -> dict[str, dict[str, Any]]:
    """The grid, then one network that sees one row only, and one that sees the classical cluster as well."""
    grid = {f"regr_3x5x5_l{n}n{m}": {"window": "3x5x5", "layers": n, "neurons": m} for n in LAYERS for m in NEURONS}
    middle = {"layers": 3, "neurons": 64}
    return {
        "regr_3x5x5_l3n64_classical": {"window": "3x5x5", "classical": True, **middle},
        "regr_1x5x5_l3n64": {"window": "1x5x5", **middle},
        "regr_3x7x7_l3n64": {"window": "3x7x7", **middle},
        **grid,
    }


USED = (TRAIN, VALIDATION, TEST)
LARGEST = Layout.parse("7x9x9", classical=True)
"""Of which every other window is the middle."""


def cut(found: maxima.Maxima, layout: Layout) -> Any:
    """The windows of a smaller layout: chambers are apart for windows of any height, so the middle is the window."""
    window = found.raw[:, : LARGEST.window].reshape(-1, LARGEST.rows, LARGEST.pads, LARGEST.times)
    sizes = zip(LARGEST[:3], layout[:3], strict=True)
    middle = tuple(slice((whole - part) // 2, (whole + part) // 2) for whole, part in sizes)
    raw = window[(slice(None), *middle)].reshape(len(window), layout.window)
    return np.concatenate([raw, found.raw[:, -5:]], axis=1) if layout.classical else raw


class Campaign:
    """One folder of samples and results."""

    def __init__(self, folder: Path, rows: int, epochs: int, frames: int) -> None:
        self.folder, self.rows, self.epochs, self.frames = folder, rows, epochs, frames
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def settings(self) -> TrainingOptions:
        """The same for every network."""
        return TrainingOptions(
            epochs=self.epochs, batch_size=250, learning_rate=0.004, schedule="cosine", patience=self.epochs
        )

    def sample_files(self) -> list[Path]:
        """One file for each occupancy."""
        paths = []
        for percent in PERCENT:
            path = self.folder / f"sector_{percent}pc.h5"
            if not path.exists():
                started = time.monotonic()
                fast_simulation.simulate(f"sector-{percent}pc-v1", self.frames, SEED, path)
                print(f"{path.name}: {self.frames} frames, {time.monotonic() - started:.0f} s", flush=True)
            paths.append(path)
        return paths

    @lru_cache(maxsize=1)  # noqa: B019 - there is one campaign
    def used_frames(self) -> list[tuple[samples.Frame, maxima.Maxima, maxima.Truth]]:
        """All frames that are used, with windows of the largest size; fewer training frames where they are full."""
        found = []
        for percent, path in zip(PERCENT, self.sample_files(), strict=True):
            with samples.Handle(path) as sample:
                split = sample.events["split"]
                many = np.flatnonzero(split == TRAIN)[1 if percent >= 10 else len(split) :]
                for place in sorted(set(np.flatnonzero(np.isin(split, USED)).tolist()) - set(many.tolist())):
                    frame = sample.frame(place)
                    gain = sample.correction(frame.sector)
                    own = maxima.find_maxima(frame.digits, frame.sector, gain, frame.time_bins, LARGEST)
                    found.append((frame, own, maxima.truth_of(frame, own.clusters)))
        return found

    def data(self, layout: Layout) -> tuple[TrainingData, list[Any]]:
        """Rows to train on, as many of each frame, and the test frames."""
        division, rng = CentreDivision(layout), np.random.default_rng(SEED)
        parts = []
        for split, most in ((TRAIN, self.rows), (VALIDATION, self.rows // 3)):
            found = [entry for entry in self.used_frames() if entry[0].split == split]
            raw, targets = [], []
            for frame, own, truth in found:
                some = rng.permutation(len(own.raw))[: most // len(found)]
                raw.append(cut(own, layout)[some])
                targets.append(maxima.targets_of(frame, own, truth.matching, LARGEST)[some])
            values = RATIO_FORMAT.to_values(division.run(np.concatenate(raw)))
            parts += [values.astype(np.float32), np.concatenate(targets)]
        tests = [(f, own._replace(raw=cut(own, layout)), t) for f, own, t in self.used_frames() if f.split == TEST]
        return TrainingData(*parts), tests

    def result(self, name: str, options: NetworkOptions, quantized: bool = True) -> dict[str, Any]:
        """Train and score one network, or read what was found."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            found = self._train(name, options, quantized)
            path.write_text(json.dumps(found, indent=1))
            print(f"{name}: {found['seconds']:.0f} s, {found['epochs']} epochs, {found['rows']} rows", flush=True)
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept

    def _train(self, name: str, options: NetworkOptions, quantized: bool) -> dict[str, Any]:
        (network,) = options.networks
        data, frames = self.data(options.layout)
        make_deterministic(SEED)
        model = build_model(options, network, quantized)
        loss = keep_loss(options) if network == CLASSIFIER else quantity_loss
        started = time.monotonic()
        fitted = fit(model, loss, data, self.settings, silent, SEED)
        seconds, history = time.monotonic() - started, fitted.history
        if quantized:
            save_model(model, self.folder / f"{name}.keras")
        scored = score_frames(self.body(model, network, options, quantized), options.layout, frames)
        assert scored is not None
        found: dict[str, Any] = {"seconds": seconds, "epochs": len(history), "rows": len(data.inputs)}
        found |= {"test_maxima": len(scored.kept), "history": history, "multiplications": products(options, network)}
        return found | (self.classified(scored) if network == CLASSIFIER else self.measured(scored))

    def body(self, model: Any, network: str, options: NetworkOptions, quantized: bool) -> Any:
        """The graph's integers, or the float twin's values."""
        division = CentreDivision(options.layout)
        graph = from_keras(model, network) if quantized else None

        def run(raw: Any) -> Any:
            codes = division.run(raw)
            if graph is not None:
                values = graph.output_format.to_values(graph.run(codes))
            else:
                values = predict(model, RATIO_FORMAT.to_values(codes)).astype(np.float64)
            return (values, None) if network == CLASSIFIER else (None, values)

        return run

    @staticmethod
    def classified(scored: Any) -> dict[str, Any]:
        """AUC, counts at thresholds, savings; per occupancy, what is saved at thresholds."""
        keep = scored.label[scored.kept] > 0
        counts = {t: counting.count(scored, counting.accepted(scored, t), scored.attached_network)
                  for t in counting.THRESHOLDS}  # fmt: skip
        return {
            "auc": roc(scored.score[scored.kept], keep).auc,
            "finder": counting.classical(scored)._asdict(),
            "thresholds": {str(t): c._asdict() for t, c in counts.items()},
            "savings": [counting.saving(scored, allowed)._asdict() for allowed in (0.001, 0.01, 0.05)],
        }

    @staticmethod
    def measured(scored: Any) -> dict[str, Any]:
        """Residuals against occupancy, and of all maxima with one and with several clusters."""
        found: dict[str, Any] = {}
        for axis in ("pad", "time", "charge"):
            found[axis] = {who: [part.tolist() for part in line] for who, line in by_occupancy(scored, axis).items()}
            for what, chosen in (("one", scored.label == 1), ("several", scored.label > 1)):
                values = residuals(scored, axis, known(scored) & chosen)
                found[f"{axis}_{what}"] = {who: float(given.std()) for who, given in values.items()}
                found[f"{axis}_{what}_effective"] = {who: effective_rms(given) for who, given in values.items()}
        return found


def overtrained(campaign: Campaign) -> dict[str, Any]:
    """Five layers of 128 on few rows: the three checkpoints of one training, scored on the test frames."""
    path = campaign.folder / "overtrained.json"
    if not path.exists():
        options = NetworkOptions(networks=(REGRESSOR,), **WIDE, layers=5, neurons=128)
        data, frames = campaign.data(options.layout)
        few = TrainingData(data.inputs[::10], data.targets[::10], data.validation_inputs, data.validation_targets)
        make_deterministic(SEED)
        model = build_model(options, REGRESSOR)
        settings = TrainingOptions(epochs=60, batch_size=100, learning_rate=0.002, schedule="cosine", patience=60)
        started = time.monotonic()
        fitted = fit(model, quantity_loss, few, settings, silent, SEED)
        found: dict[str, Any] = {"rows": len(few.inputs), "seconds": time.monotonic() - started}
        found |= {"history": fitted.history, "overtrained_since": fitted.overtrained_since, "checkpoints": {}}
        for name, weights in fitted.checkpoints.items():
            assign(model.variables, weights)
            scored = score_frames(campaign.body(model, REGRESSOR, options, True), options.layout, frames)
            found["checkpoints"][name] = campaign.measured(scored)
        path.write_text(json.dumps(found, indent=1))
    kept: dict[str, Any] = json.loads(path.read_text())
    return kept


def print_checkpoints(found: dict[str, Any]) -> None:
    """One line for each checkpoint."""
    history = found["history"]
    chosen = {"best_validation": min(history, key=lambda row: row["val_loss"]),
              "best_training": min(history, key=lambda row: row["loss"]), "last": history[-1]}  # fmt: skip
    print(f"5 x 128, {found['rows']} rows, {len(history)} epochs, {found['seconds']:.0f} s, "
          f"overtrained since epoch {found['overtrained_since']}")  # fmt: skip
    print(
        "| checkpoint | epoch | training loss | validation loss | pad, one | pad, several | time, one | time, several |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, row in chosen.items():
        own = found["checkpoints"][name]
        columns = ("pad_one", "pad_several", "time_one", "time_several")
        figures = " | ".join(f"{own[column]['network']:.4f}" for column in columns)
        print(f"| {name} | {row['epoch']:.0f} | {row['loss']:.5f} | {row['val_loss']:.5f} | {figures} |")


def products(options: NetworkOptions, network: str) -> int:
    """Multiplications of a dense network."""
    outputs = 5 if network == REGRESSOR else 1
    first = options.layout.size * options.neurons
    return first + (options.layers - 1) * options.neurons**2 + options.neurons * outputs


def efficiency_of(counts: dict[str, int], finder: dict[str, int]) -> float:
    return 100 * counting.attachment_efficiency(counting.Counts(**counts), counting.Counts(**finder))


def attachment_figure(found: dict[str, dict[str, Any]]) -> Any:
    """Attachment efficiency against fakes, one line for each input size."""
    lines = {}
    for name, result in found.items():
        counts = [result["thresholds"][t] for t in result["thresholds"]]
        fakes = [100 * c["fakes"] / max(c["clusters"], 1) for c in counts]
        lines[name.split("_")[1]] = Line(fakes, [efficiency_of(c, result["finder"]) for c in counts])
    finder = next(iter(found.values()))["finder"]
    own = ([100 * finder["fakes"] / finder["clusters"]], [efficiency_of(finder, finder)])
    lines["classical finder"] = Line(*own, joined=False)
    return curves_figure(lines, "Fakes among clusters [%]", "Attachment efficiency [%]", TITLE)


def clusters_figure(found: dict[str, dict[str, Any]]) -> Any:
    """Correct and all clusters against the threshold."""
    panels: dict[str, dict[str, Line]] = {"Correctly attached [% of finder]": {}, "All clusters [% of finder]": {}}
    for name, result in found.items():
        finder = result["finder"]
        points = [(float(t), c) for t, c in result["thresholds"].items() if float(t)]
        for panel, key in zip(panels.values(), ("correct", "clusters"), strict=True):
            shown = [100 * c[key] / finder[key] for _, c in points]
            panel[NETWORK_TITLE.sub(r"\1, \2 x \3", name)] = Line([t for t, _ in points], shown)
    return panels_figure(panels, "Threshold", TITLE, log_x=True)


def resolution_figure(found: dict[str, dict[str, Any]], axis: str, unit: str) -> Any:
    """rms of the residuals against occupancy: a panel for each depth, a line for each width."""
    panels: dict[str, dict[str, Line]] = {}
    for layers in LAYERS:
        lines = {}
        for neurons in NEURONS:
            name = f"regr_3x5x5_l{layers}n{neurons}"
            if name in found:
                lines[f"{layers} x {neurons}"] = Line(*found[name][axis]["network"])
        if lines:
            lines["classical finder"] = Line(*next(iter(found.values()))[axis]["classical"])._replace(dashed=True)
            panels[f"rms, {axis} [{unit}], {layers} hidden layers"] = lines
    return panels_figure(panels, "Occupancy [%]", TITLE)


def windows_figure(found: dict[str, dict[str, Any]]) -> Any:
    """2-D against 3-D, with and without the classical cluster as an input."""
    names = {"regr_1x5x5_l3n64": "1x5x5", "regr_3x5x5_l3n64": "3x5x5", "regr_3x7x7_l3n64": "3x7x7",
             "regr_3x5x5_l3n64_classical": "3x5x5 and classical cluster"}  # fmt: skip
    panels: dict[str, dict[str, Line]] = {}
    for axis, unit in (("pad", "pads"), ("time", "time bins")):
        lines = {label: Line(*found[name][axis]["network"]) for name, label in names.items() if name in found}
        if lines:
            lines["classical finder"] = Line(*next(iter(found.values()))[axis]["classical"])._replace(dashed=True)
            panels[f"rms of centre, {axis} [{unit}]"] = lines
    return panels_figure(panels, "Occupancy [%]", TITLE)


def print_classifiers(found: dict[str, dict[str, Any]]) -> None:
    """One line for each classifier."""
    print(
        "| network | products | AUC | at 0.05: fewer [%] | loss [%] | fakes [%] | saved at 1 % | 5 % | training [s] |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, r in found.items():
        own, finder = r["thresholds"]["0.05"], r["finder"]
        fewer, loss = (100 - 100 * own[key] / finder[key] for key in ("clusters", "correct"))
        saved = " | ".join(f"{100 * s['saved']:.1f}" for s in r["savings"][1:])
        fakes = 100 * own["fakes"] / own["clusters"]
        line = f"{r['auc']:.4f} | {fewer:.1f} | {loss:.2f} | {fakes:.1f} | {saved} | {r['seconds']:.0f}"
        print(f"| {name} | {r['multiplications']} | {line} |")
    finder = next(iter(found.values()))["finder"]
    shares = {key: 100 * finder[key] / finder["clusters"] for key in ("fakes", "clones", "loopers")}
    print(f"classical finder: {finder}; of clusters: " + ", ".join(f"{k} {v:.1f} %" for k, v in shares.items()))


def print_regressors(found: dict[str, dict[str, Any]]) -> None:
    """One line for each regressor: rms of the residuals of single and of shared maxima."""
    columns = [f"{axis}_{what}{end}" for axis in ("pad", "time") for what in ("one", "several")
               for end in ("", "_effective")]  # fmt: skip
    titles = [column.replace("_", ", ") for column in columns]
    print(f"| network | products | {' | '.join(titles)} | training [s] |")
    print("|---|---|" + "---|" * len(titles) + "---|")
    for name, r in found.items():
        figures = " | ".join(f"{r[column]['network']:.4f}" for column in columns)
        print(f"| {name} | {r['multiplications']} | {figures} | {r['seconds']:.0f} |")
    first = next(iter(found.values()))
    print(
        "| classical finder | - | " + " | ".join(f"{first[column]['classical']:.4f}" for column in columns) + " | - |"
    )


def main() -> None:
    """Samples, classifiers with float twins, regressors; then tables and figures of all that is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--only", help="networks whose names begin so")
    parser.add_argument("--only-show", action="store_true", help="train nothing")
    given = parser.parse_args()
    campaign = Campaign(given.folder, given.rows, given.epochs, given.frames)
    plan = [(name, NetworkOptions(networks=(CLASSIFIER,), **o), True) for name, o in classifiers().items()]
    for name in ("class_3x5x5_l2n16", "class_3x5x5_l2n32", "class_3x9x9_l1n128"):
        plan.append((f"{name}_float", NetworkOptions(networks=(CLASSIFIER,), **classifiers()[name]), False))
    plan += [(name, NetworkOptions(networks=(REGRESSOR,), **WIDE, **o), True) for name, o in regressors().items()]
    plan = [entry for entry in plan if entry[0].startswith(given.only or "")]
    found = {}
    for name, options, quantized in plan:
        if not given.only_show or (given.folder / f"{name}.json").exists():
            found[name] = campaign.result(name, options, quantized)
    wanted = given.only in (None, "overtrained") and not given.only_show
    over = overtrained(campaign) if wanted or (given.folder / "overtrained.json").exists() else None
    class_found = {name: r for name, r in found.items() if name.startswith("class")}
    regr_found = {name: r for name, r in found.items() if name.startswith("regr")}
    if class_found:
        print_classifiers(class_found)
    if regr_found:
        print_regressors(regr_found)
    if over:
        print_checkpoints(over)
    if given.figures:
        sizes = {name: r for name, r in class_found.items() if name.endswith("l2n32")}
        exact = {name: r for name, r in class_found.items() if not name.endswith("float")}
        named = [f"class_{size}" for size in ("3x5x5_l2n16", "3x5x5_l2n32", "3x9x9_l1n128")]
        drawn = {}
        if sizes:
            drawn["tpc_attachment"] = attachment_figure(sizes)
            drawn["tpc_thresholds"] = clusters_figure({n: exact[n] for n in named if n in exact})
        if regr_found:
            drawn["tpc_grid_pad"] = resolution_figure(regr_found, "pad", "pads")
            drawn["tpc_grid_time"] = resolution_figure(regr_found, "time", "time bins")
            drawn["tpc_windows"] = windows_figure(regr_found)
        for name, figure in drawn.items():
            figure.savefig(
                given.figures / f"{name}.png", dpi=55 if len(figure.axes) > 1 else 75, metadata={"Software": None}
            )


if __name__ == "__main__":
    main()
