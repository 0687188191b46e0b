"""TPC networks of many sizes on frames of four occupancies: windows, layers and neurons, an overtrained one.

    python campaigns/tpc.py FOLDER [--figures docs/figures] [--every 2] [--only NAME | --only-show]

Frames of version 2 of the simulation at 5, 10, 20 and 40 % occupancy. Every network is quantized from the first epoch
and trained on one of --every maxima of the training frames; scored are all maxima of the test frames, by the values of
Keras, whose codes are compared with the graph's on the first of every frame. Start it again to go on: what lies
finished in FOLDER is not made again. One seed. Tables are printed, figures go to --figures. A little more than a
gigabyte on disk; an hour of one core.
"""

import argparse
import gc
import json
import os
import time
from pathlib import Path
from typing import Any

from tpc_figures import AXES, attachment_figure, clusters_figure, grid_figure, windows_figure
from tpc_maxima import Store, body, products_of, resident
from tpc_tables import print_checkpoints, print_classifiers, print_depths, print_regressors

from qcompress.detectors.tpc.evaluation import counting
from qcompress.detectors.tpc.evaluation.resolution import by_occupancy, known, residuals
from qcompress.detectors.tpc.evaluation.scoring import Scored, score_frames
from qcompress.detectors.tpc.networks.losses import keep_loss, quantity_loss
from qcompress.detectors.tpc.networks.models import CLASSIFIER, REGRESSOR, NetworkOptions, build_model
from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.frontends import load_model
from qcompress.frontends.qkeras import save_model
from qcompress.metrics.response import effective_rms
from qcompress.metrics.roc import roc
from qcompress.plots.landscape import landscape_figure
from qcompress.progress import silent
from qcompress.training.checkpoint import assign
from qcompress.training.fit import Fitted, TrainingData, TrainingOptions, fit, make_deterministic
from qcompress.training.landscape import ELEMENTS, landscape

SEED = 20
"""With it, 16 frames are 13 to train on, one to validate and two to test."""
PERCENT = (5, 10, 20, 40)
LAYERS, NEURONS = (2, 3, 4, 5), (16, 32, 64, 128)
SIZES = ("1x5x5", "3x5x5", "3x7x7", "1x9x9", "3x9x9")
WIDE = {"weight_bits": 10, "activation_bits": 10}
"""Of regressors, whose residuals are a tenth of a pad."""
WHOLE = Layout.parse("3x9x9", True, True, True)
"""Of which the other layouts are parts."""
CANDIDATES = ("class_3x5x5_l2n16", "class_3x5x5_l2n32", "class_3x9x9_l1n128")
AROUND = "regr_3x5x5_l3n64"
"""Whose loss is shown around its data."""
OVERTRAINED, FEW, FEW_EPOCHS = "overtrained", 2000, 60
"""Name, maxima and epochs of the overtrained network."""


def planned() -> dict[str, NetworkOptions]:
    """Names and options: classifiers by window and by size, float twins, regressors by window, then the grid."""

    def options(network: str, size: str, layers: int, neurons: int, **more: Any) -> NetworkOptions:
        return NetworkOptions(networks=(network,), window=size, layers=layers, neurons=neurons, **more)

    found: dict[str, NetworkOptions] = {}
    for name in CANDIDATES:
        window, size = name.split("_")[1:]
        layers, neurons = map(int, size[1:].split("n"))
        found[name] = found[f"{name}_float"] = options(CLASSIFIER, window, layers, neurons)
    for end, classical in (("", False), ("_classical", True)):
        for size in SIZES:
            found[f"class_{size}_l2n32{end}"] = options(CLASSIFIER, size, 2, 32, classical=classical)
            found[f"regr_{size}_l3n64{end}"] = options(REGRESSOR, size, 3, 64, classical=classical, **WIDE)
    for n in LAYERS:
        for m in NEURONS:
            found[f"regr_3x5x5_l{n}n{m}"] = options(REGRESSOR, "3x5x5", n, m, **WIDE)
    return dict(sorted(found.items()))


class Campaign:
    """One folder of samples and results."""

    def __init__(self, folder: Path, frames: int, epochs: int, every: int) -> None:
        self.folder, self.epochs, self.every = folder, epochs, every
        samples = {f"sector_{percent}pc": (f"sector-{percent}pc", frames) for percent in PERCENT}
        self.store = Store(folder, samples, SEED, {WHOLE: None})

    def at(self, name: str) -> Path:
        """Where the results of a name stand."""
        return self.folder / f"{name}.json"

    def result(self, name: str, options: NetworkOptions) -> dict[str, Any]:
        """Train and score one network, or read what was found."""
        path = self.at(name)
        if not path.exists():
            found = self._train(name, options)
            path.write_text(json.dumps(found, indent=1))
            print(f"{name}: {found['seconds']:.0f} s, {found['processor']:.0f} of the processor", flush=True)
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept

    def _train(self, name: str, options: NetworkOptions) -> dict[str, Any]:
        quantized = not name.endswith("_float")
        data = resident(self.store.data(options.layout), self.every)
        settings = TrainingOptions(
            epochs=self.epochs, batch_size=1000, learning_rate=0.003, schedule="cosine", patience=self.epochs
        )
        model, fitted, cost = trained(options, data, settings, quantized)
        if quantized:
            save_model(model, self.folder / f"{name}.keras")
        found = {"rows": data.rows, "history": fitted.history, "products": products_of(options), **cost}
        return found | self.measured(model, options, quantized)

    def measured(self, model: Any, options: NetworkOptions, quantized: bool = True) -> dict[str, Any]:
        """What a network gives on the test frames."""
        scored = score_frames(body(model, options, quantized), options.layout, self.store.tests(options.layout))
        assert scored is not None
        own = classified(scored) if scored.network is None else resolved(scored)
        return {"test_maxima": len(scored.kept), **own}

    def overtrained(self) -> dict[str, Any]:
        """Five layers of 128 on few maxima: the three checkpoints of one training."""
        path = self.at(OVERTRAINED)
        if not path.exists():
            options = planned()["regr_3x5x5_l5n128"]
            rows = self.store.data(options.layout)
            settings = TrainingOptions(
                epochs=FEW_EPOCHS, batch_size=100, learning_rate=0.002, schedule="cosine", patience=FEW_EPOCHS
            )
            data = resident(rows, rows.rows // FEW)
            model, fitted, cost = trained(options, data, settings)
            found: dict[str, Any] = {"rows": data.rows, "history": fitted.history, "checkpoints": {}, **cost}
            found["overtrained_since"] = fitted.overtrained_since
            for name, weights in fitted.checkpoints.items():
                assign(model.variables, weights)
                found["checkpoints"][name] = self.measured(model, options)
            path.write_text(json.dumps(found, indent=1))
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept

    def around(self) -> Any:
        """The figure of the loss around the data of one regressor; says how much of it is convex."""
        options = planned()[AROUND]
        data = resident(self.store.data(options.layout), self.every)
        some = slice(None, None, data.rows // ELEMENTS)
        model = load_model(self.folder / f"{AROUND}.keras").content
        inputs, targets = (part[some][:ELEMENTS] for part in (data.inputs, data.targets))
        found = landscape(model, quantity_loss, inputs, targets, 3.0, 25, silent)
        shown = f"{AROUND}: {len(inputs)} maxima, {100 * sum(found.share):.1f} % of the variance"
        ends = f"loss {found.loss.min():.4f} to {found.loss.max():.4f}"
        print(f"{shown}, {ends}, convex over {100 * found.convex_share():.1f} %")
        return landscape_figure(*found.smoothed(), found.share)


def trained(
    options: NetworkOptions, data: TrainingData, settings: TrainingOptions, quantized: bool = True
) -> tuple[Any, Fitted, dict[str, float]]:
    """A network of `options`, what its training left, and seconds: of the clock and of the processor."""
    (network,) = options.networks
    gc.collect()  # the rows of the training before are part of a circle
    make_deterministic(SEED)
    model = build_model(options, network, quantized)
    loss = keep_loss(options) if network == CLASSIFIER else quantity_loss
    started, used = time.monotonic(), time.process_time()
    fitted = fit(model, loss, data, settings, silent, SEED)
    return model, fitted, {"seconds": time.monotonic() - started, "processor": time.process_time() - used}


def classified(scored: Scored) -> dict[str, Any]:
    """AUC, counts at thresholds, savings."""
    assert scored.score is not None
    counts = {t: counting.count(scored, counting.accepted(scored, t), scored.attached_network)
              for t in counting.THRESHOLDS}  # fmt: skip
    return {
        "auc": roc(scored.score[scored.kept], scored.label[scored.kept] > 0).auc,
        "finder": counting.classical(scored)._asdict(),
        "thresholds": {str(t): c._asdict() for t, c in counts.items()},
        "savings": [counting.saving(scored, allowed)._asdict() for allowed in (0.001, 0.01, 0.05)],
    }


def resolved(scored: Scored) -> dict[str, Any]:
    """Residuals against occupancy, of all maxima, and of those with one and with several clusters."""
    found: dict[str, Any] = {}
    for axis in ("pad", "time", "charge"):
        found[axis] = {who: [part.tolist() for part in line] for who, line in by_occupancy(scored, axis).items()}
        for what, chosen in (("one", scored.label == 1), ("several", scored.label > 1), ("all", scored.label > 0)):
            values = residuals(scored, axis, known(scored) & chosen)
            found[f"{axis}_{what}"] = {who: float(given.std()) for who, given in values.items()}
            found[f"{axis}_{what}_effective"] = {who: effective_rms(given) for who, given in values.items()}
    return found


def draw(campaign: Campaign, found: dict[str, dict[str, Any]], folder: Path) -> None:
    """All figures, into a folder."""
    drawn = {
        "attachment": attachment_figure(found, SIZES),
        "thresholds": clusters_figure(found, CANDIDATES),
        "windows": windows_figure(found, SIZES),
        **{f"grid_{axis}": grid_figure(found, axis, unit, LAYERS, NEURONS) for axis, unit in AXES},
        "landscape": campaign.around(),
    }
    for name, figure in drawn.items():
        dpi = 75 if name == "landscape" else 55
        figure.savefig(folder / f"tpc_{name}.png", dpi=dpi, metadata={"Software": None})


def main() -> None:
    """Samples, networks; then tables and figures of all that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--every", type=int, default=2, help="one training maximum of so many")
    parser.add_argument("--only", help="networks whose names begin so, and nothing else")
    parser.add_argument("--only-show", action="store_true", help="train nothing: tables and figures of what is there")
    given = parser.parse_args()
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    campaign = Campaign(given.folder, given.frames, given.epochs, given.every)
    plan = {name: options for name, options in planned().items() if name.startswith(given.only or "")}
    if given.only_show:
        plan = {name: options for name, options in plan.items() if (given.folder / f"{name}.json").exists()}
    print(f"{len(plan)} networks", flush=True)
    found = {name: campaign.result(name, options) for name, options in plan.items()}
    over = None
    if OVERTRAINED.startswith(given.only or "") and (not given.only_show or campaign.at(OVERTRAINED).exists()):
        over = campaign.overtrained()
    if given.only:
        return
    print_classifiers({name: r for name, r in found.items() if name.startswith("class")})
    print_regressors({name: r for name, r in found.items() if name.startswith("regr")})
    print_depths(found, LAYERS, NEURONS)
    if over:
        print_checkpoints(over)
    if given.figures:
        draw(campaign, found, given.figures)


if __name__ == "__main__":
    main()
