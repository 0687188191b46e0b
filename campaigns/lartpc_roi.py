"""Networks that find regions of interest in liquid argon: public ones on noise and charges, quantized ones trained.

    python campaigns/lartpc_roi.py public FOLDER [--windows 4000]
    python campaigns/lartpc_roi.py train FOLDER --sample SAMPLE [--plane W] [--epochs 5] [--bits 8]
        [--activation-bits 8] [--filters 16 32 64] [--taught] [--save GRAPH]

FOLDER has the public networks, `model_PLANEplane_nu_ROI.h5` of planes U, V and Z, each with mean and scale beside it.
Charges are those of a straight track across the wires, parallel to them: all in one tick of every wire, anywhere in the
middle half of the window. The noise is that of ProtoDUNE-SP.

`train` fits float and quantized networks, from the public weights and from scratch, to windows of the training events
of a sample of `neutrino-sp`, and scores them on those of its test events: efficiencies at equal shares of fakes, errors
by drawing test events again; at a probability of 0.5 Dice of windows of signal, as many as of noise, and their
efficiency. Every quantized network is a graph whose codes are compared with Keras' own. --starts: from where. --save:
the graph of the first quantized network that is trained is kept, and no other is trained. With other --filters, or
--taught, the float network of the published ones is trained first, as long, and how much more than it each finds is
printed, errors by drawing the same events. --taught: quantized networks are fitted to the mean of the labels and of
what that one says.
"""

import argparse
import os
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import numpy.typing as npt
from lartpc_roi_windows import FAKES, PRESET, Data
from one_line import in_one_line
from pydantic import ValidationError
from scipy.special import expit

from qcompress.detectors.lartpc.electronics import noise, signals
from qcompress.detectors.lartpc.presets import Plane
from qcompress.detectors.lartpc.roi import models
from qcompress.detectors.lartpc.roi.stages import UNIT
from qcompress.detectors.lartpc.roi.windows import TICKS
from qcompress.errors import QcompressError
from qcompress.frontends.qkeras import convert

CHARGES = (1500, 2000, 3000, 4000, 6000)
PUBLISHED_FAKES = {"U": 3.0, "V": 2.9, "W": 4.0}
"""In the publication's validation [%]."""
EXPECTED = {
    "U": (2.5, (0.06, 0.10, 0.29, 0.59, 0.97)),
    "V": (3.1, (0.06, 0.14, 0.37, 0.74, 0.99)),
    "W": (2.7, (0.40, 0.70, 0.99, 1.0, 1.0)),
}
"""Fakes [%] and efficiencies of the same networks on another simulation of this noise and these charges."""
CUT = {"V": (0, 0, 0.01, 0.04, 0.37), "W": (0, 0.03, 0.34, 0.88, 1)}
"""There, of a cut at five sigma."""
REFERENCE = "published filters, float, from public"
STARTS = ("as it is", "from public", "from scratch")
Windows = npt.NDArray[np.float32]


def charges(plane: Plane, electrons: float, count: int, rng: np.random.Generator) -> Windows:
    """Windows (count, TICKS) without noise of such charges at any tick of the middle half."""
    group, margin = 5, 60
    ticks = rng.integers(margin + TICKS // 4, margin + 3 * TICKS // 4, count)
    charge = np.zeros((count, group, TICKS + 2 * margin), np.float32)
    charge[np.arange(count), :, ticks] = electrons
    found = signals.plane_signal(charge.reshape(count * group, -1), PRESET, plane)
    return found.reshape(charge.shape)[:, group // 2, margin : margin + TICKS]


def noise_windows(plane: Plane, count: int, rng: np.random.Generator) -> Windows:
    """Windows (count, TICKS) of noise, rounded as converters round."""
    waves = noise.plane_noise(rng, PRESET, plane, 6000, -(-count // 30))
    return waves.reshape(-1, TICKS)[:count]


def network(folder: Path, plane: Plane) -> Any:
    """The public network of a plane, for samples over UNIT."""
    name = "Z" if plane.collection else plane.name
    options = models.RoiOptions(plane=plane.name, weights=folder / f"model_{name}plane_nu_ROI.h5")
    return models.build_model(options, quantized=False)


def public(folder: Path, count: int) -> None:
    """The table: share of windows that fire, public network and cut, for no charge and for some."""
    print("| plane | | noise alone [%] | " + " | ".join(f"{charge} e" for charge in CHARGES) + " |")
    print("|---" * (3 + len(CHARGES)) + "|")
    rng = np.random.default_rng(1)
    for plane in PRESET.planes:
        model, sigma = network(folder, plane), noise.rms(PRESET, plane)
        quiet = noise_windows(plane, 8 * count, rng)
        samples = [np.rint(quiet)]
        for charge in CHARGES:
            samples.append(np.rint(charges(plane, charge, count, rng) + noise_windows(plane, count, rng)))
        fired = [model.predict(x[..., None] / UNIT, batch_size=2048, verbose=0)[:, 0] > 0 for x in samples]
        over = [(np.abs(x) > 5 * sigma).any(axis=1) for x in samples]
        fakes, efficiencies = EXPECTED[plane.name]
        line(plane.name, "here", 100 * fired[0].mean(), [f.mean() for f in fired[1:]])
        line(plane.name, "expected", fakes, efficiencies)
        line(plane.name, "cut at 5 sigma, here", 100 * over[0].mean(), [f.mean() for f in over[1:]])
        if plane.name in CUT:
            line(plane.name, "cut, expected", np.nan, CUT[plane.name])


def line(plane: str, what: str, fakes: float, efficiencies: Any) -> None:
    """One line of the table."""
    shares = " | ".join(f"{100 * share:.0f} %" for share in efficiencies)
    print(f"| {plane} | {what} | {'' if np.isnan(fakes) else f'{fakes:.1f}'} | {shares} |")


class Wanted(NamedTuple):
    """A network of the table: the words of its line, options, whether quantized, whether trained."""

    name: str
    options: models.RoiOptions
    quantized: bool
    trained: bool = True


def wanted(given: argparse.Namespace) -> list[Wanted]:
    """The networks that are asked for; raises QcompressError for none, and for options that are none."""
    filters = tuple(given.filters or models.PUBLISHED)
    widths = given.bits, given.activation_bits or given.bits
    bits = f"{widths[0]} bits" if widths[0] == widths[1] else f"{widths[0]} and {widths[1]} bits"
    weights = given.folder / f"model_{'Z' if PRESET.plane(given.plane).collection else given.plane}plane_nu_ROI.h5"
    own = {"plane": given.plane, "weight_bits": widths[0], "activation_bits": widths[1]}
    try:
        public = models.RoiOptions(**own, weights=weights)
        scratch = models.RoiOptions(**own, filters=filters)
    except ValidationError as fault:
        first = fault.errors()[0]
        raise QcompressError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    every = [
        Wanted("public, float, as it is", public, False, False),
        Wanted(f"public, {bits}, as it is", public, True, False),
        Wanted("float, from public", public, False), Wanted(f"{bits}, from public", public, True),
        Wanted("float, from scratch", scratch, False), Wanted(f"{bits}, from scratch", scratch, True),
    ]  # fmt: skip
    found = [one for one in every if any(one.name.endswith(start) for start in given.starts)]
    reference = []
    if filters != models.PUBLISHED:
        found = [one for one in found if one.options is scratch]
    if filters != models.PUBLISHED or given.taught:
        reference = [Wanted(REFERENCE, public, False)]
        found = [one for one in found if one.name != "float, from public"]
    if given.save:
        found = [one for one in found if one.quantized and one.trained][:1]
    if not found:
        raise QcompressError(f"nothing to train of --starts {', '.join(given.starts)}; give it 'from scratch'")
    return reference + found


def train(given: argparse.Namespace) -> None:
    """The table: float and quantized, from public weights and from scratch."""
    networks = wanted(given)
    compared = networks[0].name == REFERENCE
    data = Data(given.sample, given.plane, compared)
    tested = len(np.unique(data.event[data.test]))
    print(f"{data.fitted.sum()} windows to train on, {data.test.sum()} of {tested} test events\n")
    columns = [f"at {100 * fakes:g} % fakes [%]" for fakes in FAKES]
    columns = ["network", "AUC", *columns, *(f"more than float, {column}" for column in columns if compared)]
    columns += ["Dice [%]", "found [%]", "differing", "seconds"]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    data.score(np.abs(data.codes[data.test]).max((1, 2)), "cut on the largest sample", "", 0, halves=False)
    soft = None
    for name, options, quantized, trained in networks:
        keras.utils.set_random_seed(1)
        model, seconds, differing = models.build_model(options, quantized), 0.0, ""
        if trained:
            seconds = data.fit(model, given.epochs, soft if quantized else None)
        logit = data.logits(model, data.test)
        if quantized:
            graph = convert(model, "roi").graph
            own = np.clip(data.codes[data.test], -512, 511).astype(np.int64)[:4000]
            differing = str((graph.run(own)[:, 0] != np.rint(np.ldexp(logit[:4000], 5))).sum())
            if given.save:
                graph.save(given.save)
        data.score(logit, name, differing, seconds)
        if name == REFERENCE:
            data.reference = logit
            said = expit(data.logits(model, data.fitted)[:, None])
            soft = (data.targets[data.fitted] + said) / 2 if given.taught else None


@in_one_line
def main() -> None:
    """Print the table that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("public", "train"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--windows", type=int, default=4000)
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--bits", type=int, default=8, help="of weights, and of activations if nothing else is said")
    parser.add_argument("--activation-bits", type=int)
    parser.add_argument("--filters", type=int, nargs=3, help="of each convolution, other than the published ones")
    parser.add_argument(
        "--taught", action="store_true", help="quantized networks, by the float one from public weights"
    )
    parser.add_argument("--plane", choices=[plane.name for plane in PRESET.planes], default="W")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--starts", nargs="*", choices=STARTS, default=STARTS)
    given = parser.parse_args()
    if given.what == "public":
        public(given.folder, given.windows)
    else:
        train(given)


if __name__ == "__main__":
    main()
