"""What campaigns/lartpc_unet.py trains: forms of the network by table, and how a table's rows are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Cell, Table
from qcompress.detectors.lartpc.evaluation.hit_scores import balanced_difference, errors, scores

CONFIG = Path(__file__).parents[1] / "firmware_configs" / "lartpc_unet.yaml"
SAMPLES = {
    **{"fewest": ("mix-hd-hits", 500), "few": ("mix-hd-hits", 1500), "many": ("mix-hd-hits", 5000)},
    **{"own": ("mix-hd-hits", 60), "module": ("mix-module", 250)},
}
"""Kinds and events; the few are the first of the many, in the same parts of the split."""
SCORED = {"fewest": "few", "few": "many", "many": "many", "own": "own", "module": "module"}
"""Whose test events score what is trained on a sample."""
IMAGES = "network.images."
TRAINING = "training."


@dataclass(frozen=True)
class Form:
    """A form of the network: its name, what differs from CONFIG, the one whose weights it begins with.

    weighs: whether the loss has class weights, of the sample's own frequencies; floating: whether nothing is quantized;
    means: whether `start`, in float, is scored as it is, normalised by the means of batches of test images.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    start: "Form | None" = None
    sample: str = "few"
    weighs: bool = False
    floating: bool = False
    means: bool = False


class Row(NamedTuple):
    """A form that is trained and scored: confusions by event, validation, cost, codes."""

    label: str
    counts: npt.NDArray[np.float64]
    loss: float
    epochs: int
    seconds: int
    mismatches: int | None
    codes: int | None


def bits(many: int) -> dict[str, Any]:
    """So many bits of weights and activations."""
    return {f"{IMAGES}weight_bits": many, f"{IMAGES}activation_bits": many}


SHORT = {f"{TRAINING}epochs": 1}
"""A hundred steps; the seed made eighty."""
TUNED = {**SHORT, f"{TRAINING}learning_rate": 0.003, f"{TRAINING}schedule": "cosine"}
BASE = Form("base", SHORT)
FLOAT = Form("float", floating=True)
NARROW = {many: Form(f"bits{many}", {**bits(many), **TUNED}, FLOAT) for many in (8, 6, 4)}
SWEEP = Form("sweep")
SCHEDULES = ("constant", "linear", "exponential", "cosine", "step", "cyclic", "restarts")
SLOWER = {f"{TRAINING}layer_rates": {"down*": 0.1, "up*": 0.3}}
"""The seed's groups of layers: the first ones, which know edges already, learn slowest."""
SEED = {
    f"{IMAGES}view": "module",
    f"{TRAINING}epochs": 5,
    f"{TRAINING}batch_size": 8,
}
"""The seed has batches of 48 of 768 images: 16 steps an epoch; here are as many, or nearly."""
AFTER = {**SEED, **TUNED, f"{TRAINING}epochs": 4, f"{TRAINING}batch_size": 4}
"""136 steps of a network that knows patches."""


def short(name: str, **more: Any) -> Form:
    """As BASE, but for keys of images (`images_KEY`) and of the training (`training_KEY`)."""
    rooms = {"images": IMAGES, "training": TRAINING}
    parts = {key: key.split("_", 1) for key in more}
    return Form(name, SHORT | {rooms[parts[key][0]] + parts[key][1]: value for key, value in more.items()})


TILES = {f"{IMAGES}view": "tile", f"{IMAGES}levels": 4, f"{TRAINING}batch_size": 16}
PLANES = {**TILES, f"{IMAGES}planes": ["U", "V", "W"], f"{TRAINING}epochs": 2}
"""The seed's later form: tiles of 128 cm of all planes in cells of 0.5 cm, with four filters instead of sixteen."""
PUBLISHED = {
    **{**TILES, **SHORT, f"{IMAGES}filters": 16, f"{TRAINING}batch_size": 4},
    "verification": {"test_rows": 2, "random_rows": 1},
}
"""The published network, but for its normalization: does it train, is it exact?"""
LARGE = {f"{IMAGES}view": "coarse", f"{TRAINING}batch_size": 16}
MODULES = Form("modules", AFTER, FLOAT, sample="module", floating=True)
"""Whole modules behind patches, in float."""
FIRST = "loss `hits`, one-cycle, normalised, nothing turned"
TABLES: Mapping[str, Mapping[str, Form]] = {
    "bits": {
        "float, trained as long": Form("longer", TUNED, FLOAT, floating=True),
        "float, where all begin": FLOAT,
        **{f"{many} bits": form for many, form in NARROW.items()},
    },
    "losses": {
        FIRST: BASE,
        "loss `weighted`, 1/n of its pixels": Form("weighted", {**SHORT, f"{IMAGES}loss": "weighted"}, weighs=True),
        "loss `focal`, the same weights": Form("focal", {**SHORT, f"{IMAGES}loss": "focal"}, weighs=True),
        "loss `focal`, three epochs": Form("focal3", {f"{TRAINING}epochs": 3, f"{IMAGES}loss": "focal"}, weighs=True),
        "loss `dice`": short("dice", images_loss="dice"),
    },
    "schedules": {FIRST: BASE, **{f"`schedule: {name}`": short(name, training_schedule=name) for name in SCHEDULES}},
    "augmentation": {
        FIRST: BASE,
        **{f"`augmentation: {kind}`": short(kind, images_augmentation=kind) for kind in ("flips", "rotations")},
    },
    "parts": {
        FIRST: BASE,
        "Keras' beginning": short("keras", training_initialization="keras"),
        "not normalised (rate 0.01)": short("plain", images_normalization="none", training_learning_rate=0.01),
        "not normalised, `upward: repeated` (rate 0.01)": short(
            "repeated", images_normalization="none", images_upward="repeated", training_learning_rate=0.01
        ),
        "`upward: repeated`": short("upward", images_upward="repeated"),
        "residual": short("residual", images_residual=True),
        "images of charge, `binary: false`": short("charge", images_binary=False),
        "`dropout: 0.1`": short("dropout", images_dropout=0.1),
    },
    "views": {
        "trained on patches, scored on 128 x 128": Form("carried", {**LARGE, f"{TRAINING}epochs": 0}, NARROW[8]),
        "patches, then an epoch of 128 x 128": Form("transferred", {**LARGE, **TUNED}, NARROW[8]),
        "the same, `layer_rates`: first layers slower": Form("slower", {**LARGE, **TUNED, **SLOWER}, NARROW[8]),
        "128 x 128 alone, an epoch": Form("tiles", {**LARGE, **SHORT}),
    },
    "means": {
        "running means": FLOAT,
        "means of 32 test patches": Form("float_means", start=FLOAT, floating=True, means=True),
    },
    "module_means": {
        "running means": MODULES,
        "means of 4 test images": Form("modules_means", AFTER, MODULES, sample="module", floating=True, means=True),
    },
    "planes": {
        "tiles of U, V, W, lit or not": Form("planes", PLANES, sample="fewest"),
        "tiles of U, V, W, charge up to 60,000 e": Form(
            "charges", {**PLANES, f"{IMAGES}binary": False}, sample="fewest"
        ),
        "tiles of U, V, W, charge up to 15,000 e": Form(
            "charges15", {**PLANES, f"{IMAGES}binary": False, f"{IMAGES}full_charge": 15000}, sample="fewest"
        ),
    },
    "published": {"16 filters, 4 levels, tiles of W": Form("published", PUBLISHED, sample="own")},
    "seed": {
        "patches' weights on modules, as they are": Form(
            "known", {**SEED, f"{TRAINING}epochs": 0}, NARROW[8], sample="module"
        ),
        "patches, then modules": Form("begun", AFTER, NARROW[8], sample="module"),
        "modules alone, loss `weighted`": Form(
            "seed", {**SEED, f"{IMAGES}loss": "weighted"}, sample="module", weighs=True
        ),
    },
}
SCORES = ("accuracy", "shower", "track", "balanced")
COLUMNS = (
    *("network", "epochs", "loss", "accuracy [%]", "showers [%]", "tracks [%]", "balanced [%]"),
    *("less than the first [%]", "processor s", "codes that differ", "codes"),
)


def told(title: str, rows: Sequence[Row], rules: Mapping[str, npt.NDArray[np.float64]]) -> Table:
    """The table of some rows, and of rules' confusions on the first one's hits; errors: events drawn anew."""
    first = rows[0].counts
    found = [
        (row.label, row.epochs, round(row.loss, 4), *_scores(row.counts), _less(first, row.counts), row.seconds,
         row.mismatches, row.codes) for row in rows
    ]  # fmt: skip
    nothing = (None, None, None)
    more = [(name, None, None, *_scores(own), _less(first, own), *nothing) for name, own in rules.items()]
    return Table(title, COLUMNS, (*found, *more), f"{len(first)} test events, {int(first.sum())} hits")


def _scores(counts: npt.NDArray[np.float64]) -> tuple[Cell, ...]:
    own, error = scores(counts), errors(counts)
    return tuple(f"{100 * getattr(own, name):.2f} +- {100 * getattr(error, name):.2f}" for name in SCORES)


def _less(first: npt.NDArray[np.float64], counts: npt.NDArray[np.float64]) -> Cell:
    """Of the balanced accuracy; the same events are drawn for both."""
    if first is counts:
        return None
    difference, error = balanced_difference(first, counts)
    return f"{100 * difference:.2f} +- {100 * error:.2f}"


def overlaps(rows: Sequence[Row]) -> Table:
    """Dice of showers and of tracks among hits, hits that are not called nothing; errors: events drawn anew."""
    own, draws = (np.array([how(row.counts) for row in rows]) for how in (_overlap, _drawn_overlaps))
    told_ = []
    for row, values, several in zip(rows, own, draws, strict=True):
        cells = [f"{100 * a:.2f} +- {100 * b:.2f}" for a, b in zip(values, several.std(axis=0), strict=True)]
        less = (own[0] - values)[:2].mean(), (draws[0] - several)[:, :2].mean(axis=1).std()
        told_.append((row.label, *cells, f"{100 * less[0]:.2f} +- {100 * less[1]:.2f}" if row is not rows[0] else None))
    columns = ("network", "Dice of showers [%]", "of tracks [%]", "hits found [%]", "mean Dice less than the first [%]")
    return Table("Dice", columns, tuple(told_))


def _drawn_overlaps(counts: npt.NDArray[np.float64], draws: int = 200) -> list[tuple[float, float, float]]:
    """Of events drawn anew, the same for all confusions of the same events."""
    rng = np.random.default_rng(0)
    return [_overlap(counts[rng.integers(len(counts), size=len(counts))]) for _ in range(draws)]


def _overlap(counts: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    own, sums = scores(counts), counts.sum(axis=(0, 1))
    dice = [2 * iou / (1 + iou) for iou in (own.shower_iou, own.track_iou)]
    return dice[0], dice[1], float(1 - sums[0] / sums.sum())
