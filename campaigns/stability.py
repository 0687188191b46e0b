"""What a detector that is not what it was costs each codec: dead trigger cells, more noise, gains that drifted.

    python campaigns/stability.py SAMPLE [--trained FOLDER ..] [--events 300] [--seed 7]

SAMPLE: along axes (`training.py`), whose training modules the regressions are fitted on; --trained: trainings of
`long_trainings.py`. Events along axes are simulated anew, once as they are and once with the noise of all cells 1.5
times as high (the threshold of three standard deviations goes with it); of the first, charges are multiplied by gains
with a spread of 5 %, or 1 and 5 % of the trigger cells are dead. Every codec decodes as it did before: distances are to
the charge of the detector as it was.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from long_trainings import OPTIONS, InMemory
from training import LINKS, Trained, as_trained

from qcompress.detectors.hgcal.econt.numbers import Density, encode
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.evaluation.learned import learn
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import sensors
from qcompress.detectors.hgcal.simulation.fast_simulation import simulate_event
from qcompress.fixedpoint import Values
from qcompress.metrics.emd import emd

KIND = "electron-200pu-axis"
NOISE = 1.5
GAIN = 0.05
DEAD = (0.01, 0.05)
Columns = dict[str, npt.NDArray[Any]]


def simulated(events: int, seed: int) -> Columns:
    found = [simulate_event(KIND, seed, event)[0] for event in range(events)]
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}


def with_charge(columns: Columns, charge: Values) -> Columns:
    """The same modules with other charges, coded anew."""
    counts = np.rint(charge).astype(np.uint32)
    high = columns["high_density"][:, None] == 1
    codes = np.where(high, *(encode(counts, density, 4, 3) for density in (Density.HD, Density.LD)))
    return columns | {"charge": counts, "codes": codes.astype(np.uint8)}


def conditions(events: int, seed: int) -> Iterator[tuple[str, Columns]]:
    """Name and modules of every condition; the first is the detector as it was."""
    rng = np.random.default_rng(seed)
    nominal = simulated(events, seed)
    yield "as it was", nominal
    charge = nominal["charge"].astype(np.float64)
    for share in DEAD:
        yield f"{share:.0%} dead", with_charge(nominal, charge * (rng.random(charge.shape) >= share))
    yield f"gains {GAIN:.0%}", with_charge(nominal, charge * rng.normal(1, GAIN, charge.shape).clip(0))
    noise = sensors.tables().noise
    noise *= NOISE
    yield f"noise x {NOISE:g}", simulated(events, seed)
    noise /= NOISE


def codecs(sample: Path, trained: list[Path]) -> Iterator[tuple[str, Callable[[Columns], Values]]]:
    """Name and decoded transverse charges (n, 48), train order, of every codec."""
    for links in LINKS:
        allocation = LinkAllocation(links)
        learned = learn(sample, allocation)
        known = dict(CHIP) | (learned.regressions.codecs() if learned else {})
        for name in ("bc-linear", "threshold-linear", "repeater") if links == min(LINKS) else ("bc-linear",):
            where = f", {links} links" if name == "bc-linear" else ""

            def decode(columns: Columns, of: Any = known[name], on: LinkAllocation = allocation) -> Values:
                return np.asarray(geometry.channels_to_train(of.transverse(modules(columns, on))))

            yield f"{known[name].title}{where}", decode
    for folder in trained:
        found = Trained(folder)
        bits = found.graph.output_format.width
        links = next(links for links, width in LINKS.items() if width == bits)
        options = OPTIONS.model_copy(update={"latent_bits": bits})
        yield (
            f"encoder, {links} links",
            lambda columns, of=found, told=options: as_trained(of, InMemory(columns), told),  # type: ignore[misc]
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sample", type=Path)
    parser.add_argument("--trained", type=Path, nargs="*", default=[])
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    varied = dict(conditions(given.events, given.seed))
    nominal = next(iter(varied.values()))
    truth = geometry.channels_to_train(modules(nominal).charge)
    print(
        f"{given.events} events, {len(truth)} modules\n\n| codec | {' | '.join(varied)} |\n|---|{'---|' * len(varied)}"
    )
    for name, decode in codecs(given.sample, given.trained):
        cells, before = [], None
        for columns in varied.values():
            distance = emd(truth, decode(columns), geometry.emd_cost())
            some = distance >= 0
            if before is None:
                before = distance
                cells.append(f"{distance[some].mean():.3f} +- {distance[some].std() / np.sqrt(some.sum()):.3f}")
                continue
            both = some & (before >= 0)
            change = (distance - before)[both]
            cells.append(f"{change.mean():+.3f} +- {change.std() / np.sqrt(len(change)):.3f}")
        print("| " + " | ".join([name, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
