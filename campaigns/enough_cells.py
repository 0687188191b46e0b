"""From how many trigger cells of a frame on it pays to spread the sum of the others: on validation modules.

    python campaigns/enough_cells.py SAMPLE.. [--rows 100000] [--links signal-driven]

Of each sample the first modules of validation events; of these, modules whose frame holds a trigger cell, so that
something arrives whatever is done with the sum. Mean EMD where it is spread equally from so many cells on and left out
below, for threshold sum and best choice, and the mean over the samples: the smallest says ENOUGH of `remaining`.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from response_codecs import links_name

from qcompress.detectors import VALIDATION
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.registers import Registers
from qcompress.detectors.hgcal.evaluation.algorithms import (
    OnLinks,
    Say,
    best_choices,
    best_choices_sent,
    on_links,
    threshold_sums,
    thresholds_sent,
)
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, Modules, modules
from qcompress.detectors.hgcal.evaluation.remaining import Sent, spread_if_sent
from qcompress.detectors.hgcal.module import geometry
from qcompress.fixedpoint import Values
from qcompress.metrics.emd import emd

NEVER = geometry.TRIGGER_CELLS + 1
CELLS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, NEVER)
Send = Callable[[Modules, OnLinks], Values]
ALGORITHMS: dict[str, tuple[Say, Send]] = {
    "Threshold 1.35 mipT": (thresholds_sent, threshold_sums),
    "best choice": (best_choices_sent, best_choices),
}


def validation(path: Path, rows: int, links: str) -> Modules:
    """The first modules of validation events of a sample."""
    with samples.Handle(path) as handle:
        columns = handle.first(VALIDATION, rows)
    return modules(columns, LinkAllocation.named(links))


def spread_from(sent: Sent, registers: Registers, cells: int) -> Values:
    """What `spread_if_sent` does, as the chip's algorithms take it."""
    return spread_if_sent(sent, cells)


def means(given: Modules, say: Say, send: Send) -> tuple[int, npt.NDArray[np.float64]]:
    """Number of modules whose frame holds a trigger cell, and their mean EMD for each of CELLS."""
    truth, cost, found = geometry.channels_to_train(given.charge), geometry.emd_cost(), []
    for cells in reversed(CELLS):
        charges = send(given, on_links(say, partial(spread_from, cells=cells)))
        found.append(emd(truth, geometry.channels_to_train(charges), cost))
    own = found[0] >= 0  # nothing is spread: modules of which cells alone arrive
    return int(own.sum()), np.array([distances[own].mean() for distances in reversed(found)])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path, nargs="+")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--links", type=links_name, default="signal-driven")
    given = parser.parse_args()
    columns = ["algorithm", "sample", "modules", *(f"from {cells}" for cells in CELLS[:-1]), "never"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    of_sample = {str(path): validation(path, given.rows, given.links) for path in given.samples}
    for name, (say, send) in ALGORITHMS.items():
        each = []
        for sample, own in of_sample.items():
            number, found = means(own, say, send)
            each.append(found)
            print(f"| {name} | {sample} | {number} | {' | '.join(f'{mean:.3f}' for mean in found)} |", flush=True)
        print(f"| {name} | mean | - | {' | '.join(f'{mean:.3f}' for mean in np.mean(each, axis=0))} |", flush=True)


if __name__ == "__main__":
    main()
