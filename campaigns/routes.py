"""Routes to a small network side by side: trained with few bits, quantized behind the training, pruned, learned.

    python campaigns/routes.py FOLDER [--seeds 3] [--only ROUTE...]

`firmware_configs/tpc_small.yaml` by hand and by each of `ROUTES`, with each of the seeds, on the same sample of a seed:
trained, verified on Keras' or HGQ2's layers, C++, Verilog and the C++ of all stages, synthesized with yosys, scored on
test frames that chose nothing. Routes that quantize begin with the last checkpoint of `WIDE`, a training of 16 bits,
and train no more. Rows and means over the seeds are printed, routes.png is drawn. FOLDER keeps everything; a campaign
that was stopped goes on. About a processor minute a route and seed.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from search_fronts import BY_HAND, COLUMNS, CONFIGS, MEANS, Row, draw_rows, figures_in_full, means, usable

from qcompress import pipeline
from qcompress.candidate import Candidate
from qcompress.config import Config, load_config
from qcompress.config.changes import changed
from qcompress.detectors import Table
from qcompress.plots.style import canvas, house_style
from qcompress.progress import Reporter
from qcompress.report.tables import as_markdown

CONFIG = CONFIGS / "tpc_small.yaml"
ONE_VERILOG = {"targets.rtl_loadable": None, "targets.cpp": {"machine": "native"}}
WIDE = {"network.weight_bits": 16, "network.activation_bits": 16}
"""What is quantized behind its training."""


def bits(many: int) -> Mapping[str, Any]:
    """So many bits of weights and activations."""
    return {"network.weight_bits": many, "network.activation_bits": many}


def pruned(share: float, **more: Any) -> Mapping[str, Any]:
    """A share of the weights pruned while the network is trained."""
    return {"training.pruned": share, "training.keep": "last", **{f"training.{key}": own for key, own in more.items()}}


LEARNED = {"network.bits": "learned", "training.keep": "last", "training.penalty": 5.4e-6}
FAST = {"training.learning_rate": 0.008}
QUANTIZED = {"8 bits, quantized": 8, "6 bits, quantized": 6, "5 bits, quantized": 5}
ROUTES: Mapping[str, Mapping[str, Any]] = {
    BY_HAND: {},
    "6 bits, trained": bits(6),
    "5 bits, trained": bits(5),
    **{name: {**bits(many), "training.epochs": 0} for name, many in QUANTIZED.items()},
    "half of the weights pruned": pruned(0.5),
    "three quarters pruned": pruned(0.75),
    "6 bits, three quarters pruned": {**bits(6), **pruned(0.75)},
    "half of the neurons pruned": pruned(0.5, pruned_as="outputs"),
    "learned widths": LEARNED,
    "learned widths, 4 times the rate": {**LEARNED, **FAST},
    "by hand, 4 times the rate": FAST,
}


def made(folder: Path, name: str, seed: int, changes: Mapping[str, Any], to: str | None, told: Reporter) -> Candidate:
    """A candidate of the config by hand with `changes`, up to the step `to`, or whole."""
    given = changed(yaml.safe_load(CONFIG.read_text()), {**ONE_VERILOG, **changes, "seed": seed, "name": name})
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(given, sort_keys=False))
    return pipeline.run(load_config(path), folder / name, to, told)


def in_full(folder: Path, route: str, seed: int, told: Reporter) -> Row:
    """A route with a seed: its row."""
    sample = {"sample": {"file": str(made(folder, f"sample_{seed}", seed, {}, "sample", told).folder.resolve()
                                     / "sample" / "sample.h5")}}  # fmt: skip
    begin = {}
    if route in QUANTIZED:
        wide = made(folder, f"wide_{seed}", seed, {**sample, **WIDE}, "train", told)
        begin = {"training.start": str((wide.folder / "model" / "checkpoints" / "best_validation").resolve())}
    name = f"route{list(ROUTES).index(route)}_{seed}"
    candidate = made(folder, name, seed, {**sample, **ROUTES[route], **begin}, None, told)
    return Row(route, seed, *figures_in_full(candidate, "auc"))


def routes_figure(path: Path, rows: Sequence[Row]) -> None:
    """AUC against LUT: a point for each route and seed."""
    with house_style(16, 18, 11):
        figure, (axes,) = canvas((10, 7))
        draw_rows(axes, rows)
        axes.set_xlabel("LUT (yosys)")
        axes.set_ylabel("AUC")
        axes.set_xlim(0)
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(path, dpi=100, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=ROUTES, default=list(ROUTES))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    config: Config = load_config(CONFIG)
    with Reporter(Console(width=160)) as reporter:
        seeds = usable(config, given.seeds)
        rows = [in_full(given.folder, route, seed, reporter) for seed in seeds for route in given.only]
    print(as_markdown(Table("", COLUMNS, tuple(rows))))
    print(as_markdown(Table("", MEANS, tuple(means(rows)))))
    routes_figure(given.folder / "routes.png", rows)


if __name__ == "__main__":
    main()
