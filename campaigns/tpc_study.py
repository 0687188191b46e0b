"""TPC classifiers trained on a million maxima of the frozen simulation: inputs, losses, sizes, quantized versions.

    python campaigns/tpc_study.py FOLDER [--frames 40] [--epochs 4] [--only NAME ...] [--test-frames 6]

FOLDER keeps the sample (sector-20pc, seed 21), the codes of all maxima and a JSON for each network; start it again to
go on. Every network is trained on the maxima of all training frames, read batch by batch; the float ones first, the
quantized ones from the weights of their float twins. Scores are those of test frames, errors those of resampled frames.
One core.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from tpc_bodies import report, synthesis
from tpc_maxima import Store, body, products_of
from tpc_tables import print_study

from qcompress.detectors.tpc.evaluation import errors
from qcompress.detectors.tpc.evaluation.resolution import resolution_table
from qcompress.detectors.tpc.evaluation.scoring import Scored, score_frames
from qcompress.detectors.tpc.evaluation.tracks import tracks_table
from qcompress.detectors.tpc.networks.losses import joint_loss, keep_loss, kept_maxima, quantity_loss
from qcompress.detectors.tpc.networks.models import CLASSIFIER, JOINT, REGRESSOR, NetworkOptions, build_model
from qcompress.detectors.tpc.networks.stages import CentreDivision
from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.frontends import load_model
from qcompress.frontends.qkeras import from_keras, save_model
from qcompress.graph import Graph
from qcompress.plots.landscape import landscape_figure
from qcompress.progress import silent
from qcompress.report.terminal import print_tables
from qcompress.training.fit import TrainingOptions, fit, make_deterministic
from qcompress.training.landscape import ELEMENTS, landscape

KIND, SEED = "sector-20pc", 21
BESIDE = {"extras": True, "classical": True, "log_charge": True}
DENSE, VOLUME = Layout.parse("3x9x9", True, True, True), Layout.parse("5x11x11", True, True, True)
"""Of which the other layouts are parts."""
COMPARED = 2000
VOLUME_FRAMES = 20
"""Frames whose larger windows are used: a gigabyte of codes."""
NETWORKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "classical": {"classical": True, "log_charge": True},
    "all": BESIDE,
    "all_focal": {**BESIDE, "loss": "focal"},
    "all_weighted": {**BESIDE, "reject_weight": 3.0},
    "all_2x64": {**BESIDE, "neurons": 64},
    "all_1x128": {**BESIDE, "layers": 1, "neurons": 128, "window": "3x9x9"},
    "all_2x128": {**BESIDE, "neurons": 128, "window": "3x9x9"},
    "all_3x128": {**BESIDE, "layers": 3, "neurons": 128, "window": "3x9x9"},
    "all_4x128": {**BESIDE, "layers": 4, "neurons": 128, "window": "3x9x9"},
    "regressor_3x64": {**BESIDE, "networks": ("regressor",), "layers": 3, "neurons": 64},
    "joint_2x64": {**BESIDE, "networks": ("joint",), "neurons": 64},
    "volume": {**BESIDE, "kind": "volume", "window": "5x11x11", "layers": 1, "neurons": 4},
    "volume_8": {**BESIDE, "kind": "volume", "window": "5x11x11", "layers": 1, "neurons": 8},
    "all_2x64_half": {**BESIDE, "neurons": 64},
    "all_1x128_half": {**BESIDE, "layers": 1, "neurons": 128, "window": "3x9x9"},
    "all_2x128_half": {**BESIDE, "neurons": 128, "window": "3x9x9"},
}
"""Options of each float network; 3x5x5 and 2 x 32 where nothing else is said. half: on the frames of the volumes."""
QUANTIZED = ("all", "all_1x128", "all_2x64", "volume")


def options_of(name: str) -> NetworkOptions:
    """The `network` section of a name."""
    return NetworkOptions(**{"neurons": 32, "stop_by": "saved", **NETWORKS[name.removesuffix("_quantized")]})


class Study:
    """One folder of a sample, its codes and results."""

    def __init__(self, folder: Path, frames: int, epochs: int, test_frames: int) -> None:
        self.folder, self.epochs = folder, epochs
        wholes = {DENSE: None, VOLUME: VOLUME_FRAMES}
        self.store = Store(folder, {"frames": (KIND, frames)}, SEED, wholes, test_frames)

    def result(self, name: str) -> dict[str, Any]:
        """Train and score one network, or read what was found."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            path.write_text(json.dumps(self._train(name), indent=1))
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept

    def _train(self, name: str) -> dict[str, Any]:
        options, quantized = options_of(name), name.endswith("_quantized")
        (network,) = options.networks
        data = self.store.data(options.layout, VOLUME if name.endswith("_half") else None)
        make_deterministic(SEED)
        model = build_model(options, network, quantized)
        if quantized:
            import keras

            model.set_weights(
                keras.models.load_model(self.folder / f"{name.removesuffix('_quantized')}.keras").get_weights()
            )
        epochs, rate = (max(self.epochs // 2, 1), 0.001) if quantized else (self.epochs, 0.003)
        settings = TrainingOptions(
            epochs=epochs, batch_size=1000, learning_rate=rate, schedule="cosine", patience=epochs
        )
        started, used = time.monotonic(), time.process_time()
        judge = keep_loss(options)
        loss = {CLASSIFIER: judge, REGRESSOR: quantity_loss, JOINT: joint_loss(judge)}[network]
        measure = None if network == REGRESSOR else kept_maxima
        fitted = fit(model, loss, data, settings, silent, SEED, measure=measure)
        seconds, processor = time.monotonic() - started, time.process_time() - used
        (save_model if quantized else lambda m, p: m.save(p))(model, self.folder / f"{name}.keras")
        scored = self.scored(name)
        found: dict[str, Any] = {
            "rows": data.rows,
            "epochs": len(fitted.history),
            "seconds": seconds,
            "processor": processor,
            "weights": int(model.count_params()),
            "products": products_of(options),
            "overtrained_since": fitted.overtrained_since,
            "history": fitted.history,
            "maxima": len(scored.kept),
        }
        if scored.score is not None:
            found["auc"] = errors.auc(scored)
            found["thresholds"] = {str(t): errors.at_threshold(scored, t)._asdict() for t in (0.01, 0.05, 0.1)}
            found["savings"] = {str(loss): errors.at_loss(scored, loss)._asdict() for loss in (0.01, 0.05)}
        if scored.network is not None:
            found["resolution"] = resolution_table(scored).rows
        return found

    def scored(self, name: str) -> Scored:
        """The test frames, scored by a network that is there."""
        import keras

        options, quantized = options_of(name), name.endswith("_quantized")
        path = self.folder / f"{name}.keras"
        model = load_model(path).content if quantized else keras.models.load_model(path)
        found = score_frames(body(model, options, quantized), options.layout, self.store.tests(options.layout))
        assert found is not None
        return found

    def quantized(self, name: str) -> tuple[NetworkOptions, Graph, Path]:
        """Options and graph of a network of the study, or of a candidate's, its folder; and where its bodies stand."""
        candidate = Path(name, "manifest.json")
        known = json.loads(candidate.read_text())["config"]["network"] if candidate.is_file() else None
        if not known and not (self.folder / f"{name}.keras").is_file():
            sys.exit(f"{name}: neither a candidate's folder nor a network that was trained in {self.folder}")
        options = NetworkOptions(**known) if known else options_of(name)
        (network,) = options.networks
        model = Path(name, "model", f"{network}.keras") if known else self.folder / f"{name}.keras"
        return options, from_keras(load_model(model).content, network), self.folder / f"{Path(name).name}_bodies"

    def bodies(self, name: str, targets: list[str], minutes: float, rows: int) -> int:
        """A quantized network in `targets`, cpp with the division in front of it; codes that differ.

        name: as `quantized`; minutes: that a build may take; rows: maxima of a test frame, and of each set of made-up
        inputs.
        """
        options, graph, folder = self.quantized(name)
        raw = next(self.store.tests(options.layout))[1].raw[:rows].astype(np.int64)
        return report(CentreDivision(options.layout), graph, raw, folder, targets, minutes, rows, SEED)

    def landscape(self, name: str) -> tuple[str, float]:
        """The loss around the data in input space: variance shown and share that is convex; a figure in the folder."""
        import keras

        options = options_of(name)
        inputs, targets = self.store.data(options.layout).validation_read(np.arange(ELEMENTS))
        loss = quantity_loss if options.networks == (REGRESSOR,) else keep_loss(options)
        found = landscape(
            keras.models.load_model(self.folder / f"{name}.keras"), loss, inputs, targets, 3.0, 25, silent
        )
        figure = landscape_figure(*found.smoothed(), found.share)
        figure.savefig(self.folder / f"{name}_landscape.png", dpi=75, metadata={"Software": None})
        shown = f"{name}: {ELEMENTS} maxima, {100 * sum(found.share):.1f} % of the variance"
        return f"{shown}, loss {found.loss.min():.4f} to {found.loss.max():.4f}", found.convex_share()


def main() -> None:
    """Float networks, then quantized ones; then the table of all that is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--test-frames", type=int, default=6)
    parser.add_argument("--only", nargs="*", help="names of networks; a quantized one ends in _quantized")
    parser.add_argument("--bodies", help="a quantized network that is there already, or a candidate: its codes")
    parser.add_argument("--targets", default="cpp,hls,hls-vitis-stream,rtl", help="with --bodies: which")
    parser.add_argument("--synthesis", help="as --bodies, once they are built: yosys on those in Verilog")
    parser.add_argument("--minutes", type=float, default=10, help="with --bodies: that a build may take")
    parser.add_argument("--rows", type=int, default=COMPARED, help="with --bodies: of maxima and each made-up set")
    parser.add_argument("--landscape", help="a float network that is there already: the loss around its data")
    parser.add_argument("--tracks", help="a network that is there already: what tracks lose with it")
    given = parser.parse_args()
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    study = Study(given.folder, given.frames, given.epochs, given.test_frames)
    if given.bodies:
        print(f"{given.bodies}: a build may take {given.minutes:g} minutes")
        print("| body | | codes compared | differing |\n|---|---|---|---|")
        sys.exit(1 if study.bodies(given.bodies, given.targets.split(","), given.minutes, given.rows) else 0)
    if given.synthesis:
        _, graph, folder = study.quantized(given.synthesis)
        synthesis(given.targets.split(","), graph, folder)
        return
    if given.landscape:
        shown, convex = study.landscape(given.landscape)
        print(f"{shown}; convex over {100 * convex:.1f} % of the area")
        return
    if given.tracks:
        print_tables([tracks_table(study.scored(given.tracks))], Console(width=250))
        return
    names = [*NETWORKS, *(f"{name}_quantized" for name in QUANTIZED)]
    found = {}
    for name in names if given.only is None else given.only:
        found[name] = study.result(name)
        print(f"{name}: {found[name].get('auc', ['-'])[0]}, {found[name]['processor']:.0f} s", flush=True)
    print_study({name: json.loads((given.folder / f"{name}.json").read_text()) for name in names
          if (given.folder / f"{name}.json").exists()})  # fmt: skip


if __name__ == "__main__":
    main()
