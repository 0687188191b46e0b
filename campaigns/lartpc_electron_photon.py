"""Electrons and photons told apart by their first centimetres on collection wires: table of docs/lartpc/electrons.md.

    python campaigns/lartpc_electron_photon.py FOLDER [--events 1000] [--epochs 60]

Simulates `electron-hd-hits` and `photon-hd-hits` into FOLDER unless they are there. Cuts and a network of a few
weights are fitted on half of the events and scored on the others.
"""

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.evaluation.shower_starts import LEAST_SHARE, beginning
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.fixedpoint import Format
from qcompress.frontends.qkeras import convert
from qcompress.frontends.runtime import import_qkeras
from qcompress.metrics.operating_points import Point, Scores, best_points, point
from qcompress.metrics.roc import roc

KINDS = ("electron-hd-hits", "photon-hd-hits")
BINS, BIN_CM = 10, 0.6
MIP = 60_000.0
"""Electrons a cm that enter the network as 1: about those of one particle."""
GAP_CM, GAP_ERROR_CM = 20.0, 1.0
"""Of a gap that enters as 1; standard deviation that gaps are blurred with, as vertices are not known exactly."""
EFFICIENCIES = (0.8, 0.9, 0.95)
RESAMPLED = 200
HIDDEN, BITS = 8, 6
INPUT = Format(False, 8, 3)
"""Of charges over MIP and of gaps over GAP_CM, in quantized networks and in others."""
Floats = npt.NDArray[np.float64]


class Showers(NamedTuple):
    """Beginnings (n,): electron or not, first half of the events or not, gap [cm], energy [MeV], profile (n, BINS)."""

    electron: npt.NDArray[np.bool_]
    first: npt.NDArray[np.bool_]
    gap: Floats
    energy: Floats
    profile: Floats


def simulated(folder: Path, kind: str, events: int) -> Path:
    """A sample of the kind in the folder; made if it is not there."""
    path = folder / f"{kind}_{events}.h5"
    if not path.is_file():
        begun = time.process_time()
        fast_simulation.simulate(kind, events, 1, path)
        print(f"{path.name}: {events} events, {time.process_time() - begun:.0f} s of processor time", flush=True)
    return path


def showers(paths: tuple[Path, ...]) -> Showers:
    """Beginnings in the samples; prints what has none."""
    rows: list[tuple[bool, bool, float, float, Floats]] = []
    for path in paths:
        seen = without = 0
        with samples.Handle(path) as handle:
            for place in handle.places():
                primary = {name: column[0] for name, column in handle.columns("particles", place).items()}
                way = np.array([primary[name] for name in ("dx", "dy", "dz")], np.float64)
                vertex = np.array([handle.events[name][place] for name in "xyz"], np.float64)
                if np.hypot(way[0], way[2]) < LEAST_SHARE:
                    continue
                seen += 1
                found = beginning(handle.columns("pixels", place), handle.preset, vertex, way, BINS, BIN_CM)
                if found is None:
                    without += 1
                    continue
                electron = bool(primary["pdg"] == 11)
                rows.append((electron, place % 2 == 0, found.gap, float(primary["energy"]), found.profile))
        print(f"{path.name}: {len(handle)} events, {seen} not along the wires, {without} of them without a beginning")
    table = Showers(*(np.array(column) for column in zip(*rows, strict=True)))
    return table._replace(gap=table.gap + np.random.default_rng(1).normal(0, GAP_ERROR_CM, len(table.gap)))


def best_length(given: Showers, chosen: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """First bin and bins of the mean that tells the two apart best in the events that are chosen."""
    lengths = [(first, bins) for first in range(3) for bins in range(1, BINS + 1 - first)]
    areas = [roc(-mean(given, *one)[chosen], given.electron[chosen]).auc for one in lengths]
    return lengths[int(np.argmax(areas))]


def mean(given: Showers, first: int, bins: int) -> Floats:
    """Mean charge of some bins [electrons/cm]."""
    return np.asarray(given.profile[:, first : first + bins].mean(axis=1))


def network(
    given: Showers, chosen: npt.NDArray[np.bool_], epochs: int, with_gap: bool, bits: int | None
) -> tuple[Floats, str]:
    """Scores of a dense network that is fitted on the chosen events, and words on it.

    bits: of quantized weights and activations, whose graph gives the scores; None for a network of floats.
    """
    import keras

    keras.utils.set_random_seed(1)
    columns = [given.profile / MIP] + ([given.gap[:, None] / GAP_CM] if with_gap else [])
    values = np.clip(np.concatenate(columns, axis=1), 0, INPUT.to_values(INPUT.max_code)).astype(np.float32)
    model = dense(values.shape[1], bits)
    model.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(values[chosen], given.electron[chosen].astype(np.float32), 64, epochs, verbose=0)
    scores = np.asarray(model.predict(values, 4096, verbose=0)[:, 0], np.float64)
    words = f"network of {model.count_params()} weights on {BINS * BIN_CM:g} cm{' and the gap' if with_gap else ''}"
    if bits is None:
        return scores, words
    graph = convert(model, "beginnings").graph
    codes = graph.run(np.rint(values / INPUT.lsb).astype(np.int64))[:, 0]
    differing = int((codes != np.rint(scores / graph.output_format.lsb)).sum())
    return graph.output_format.to_values(codes), f"{words}, {bits} bits, {differing} of {len(codes)} codes differ"


def dense(inputs: int, bits: int | None) -> Any:
    """A model (inputs,) -> logit, one hidden layer; bits: of weights and activations, floats if None."""
    import keras

    layers: list[Any] = [keras.Input((inputs,))]
    if bits is None:
        return keras.Sequential([*layers, keras.layers.Dense(HIDDEN, "relu"), keras.layers.Dense(1)])
    qkeras = import_qkeras()
    weights = {f"{name}_quantizer": qkeras.quantized_bits(bits, 1, alpha=1) for name in ("kernel", "bias")}
    layers += [qkeras.QActivation(qkeras.quantized_relu(INPUT.width, INPUT.integer), name="input_quantizer")]
    layers += [qkeras.QDense(HIDDEN, name="hidden", **weights)]
    layers += [
        qkeras.QActivation(qkeras.quantized_relu(bits, 3), name="active"),
        qkeras.QDense(1, name="sum", **weights),
    ]
    return keras.Sequential([*layers, qkeras.QActivation(qkeras.quantized_bits(10, 4, alpha=1), name="logit")])


def line(given: Showers, score: Floats, chosen: npt.NDArray[np.bool_], name: str) -> None:
    """A line of the first table: area, photons that are kept at equal efficiencies of electrons, errors."""
    own, truth = score[chosen], given.electron[chosen]
    rng = np.random.default_rng(1)
    drawn = [rng.integers(0, len(own), len(own)) for _ in range(RESAMPLED)]

    def kept(places: npt.NDArray[np.int64], efficiency: float) -> float:
        scores, electrons = own[places], truth[places]
        cut = np.quantile(scores[electrons], 1 - efficiency, method="lower")
        return 100 * float((scores[~electrons] >= cut).mean())

    everything = np.arange(len(own))
    shares = [f"{kept(everything, e):.1f} +- {np.std([kept(d, e) for d in drawn]):.1f}" for e in EFFICIENCIES]
    print(f"| {name} | {roc(own, truth).auc:.4f} | {' | '.join(shares)} |", flush=True)


def points(given: Showers, score: Floats, chosen: npt.NDArray[np.bool_]) -> None:
    """The second table: operating points of a score."""
    scores = Scores(score[chosen], (~given.electron[chosen]).astype(np.int64), np.ones(int(chosen.sum())))
    found: dict[str, Point] = {"all beginnings": point(scores, -np.inf, 1), **best_points(scores, 1)}
    print("\n| | cut | electrons | photons | efficiency [%] | purity [%] |\n|---|---|---|---|---|---|")
    for name, one in found.items():
        cut = f"{1 / (1 + np.exp(-one.cut)):.3f}"
        numbers = f"{one.signal:.0f} | {one.background:.0f} | {100 * one.efficiency:.1f} | {100 * one.purity:.1f}"
        print(f"| {name} | {cut} | {numbers} |")


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=1000, help="of each of the two")
    parser.add_argument("--epochs", type=int, default=60)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    begun = time.process_time()
    found = showers(tuple(simulated(given.folder, kind, given.events) for kind in KINDS))
    test, begun_fit = ~found.first, time.process_time()
    first, bins = best_length(found, found.first)
    means = [f"{np.median(mean(found, first, bins)[found.electron == kind]) / 1000:.1f}" for kind in (True, False)]
    print(f"\nmedian charge of the mean: electrons {means[0]}, photons {means[1]} thousand electrons a cm")
    print("\n| told apart by | AUC |" + "".join(f" photons kept at {100 * e:.0f} % [%] |" for e in EFFICIENCIES))
    print("|---" * (2 + len(EFFICIENCIES)) + "|")
    line(found, -found.gap, test, f"gap alone, known to {GAP_ERROR_CM:g} cm")
    line(found, -mean(found, first, bins), test,
         f"mean charge from {first * BIN_CM:g} to {(first + bins) * BIN_CM:g} cm")  # fmt: skip
    shown = np.zeros(0)
    for with_gap, bits in ((False, None), (False, BITS), (True, None), (True, BITS)):
        scores, words = network(found, found.first, given.epochs, with_gap, bits)
        line(found, scores, test, words)
        shown = scores if not with_gap and bits else shown
    points(found, shown, test)
    print(f"\n{found.first.sum()} beginnings to fit on, {test.sum()} to score")
    print(f"processor time {time.process_time() - begun:.0f} s, fits {time.process_time() - begun_fit:.0f} s")


if __name__ == "__main__":
    main()
