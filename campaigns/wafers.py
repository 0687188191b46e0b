"""The same few modules under every algorithm and encoder at hand, on one page, with the EMD of each.

    python campaigns/wafers.py SAMPLE OUT.png [--links signal-driven] [--candidates FOLDER ..]
        [--learned learned:SAMPLE:NAME ..] [--published cmssw:LINKS:TRAINING ..]

Of the first whole events of SAMPLE, as many as hold --rows modules: whole modules with 4, 12 and 24 trigger cells above
35 ADC counts and a partial one with 12, or the nearest there are. Algorithms of the chip stand left, encoders right; an
algorithm that one of these events trained is refused.
"""

import argparse
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from one_line import in_one_line
from PIL import Image
from response_codecs import LEARNED, check_untrained, codec, links_name, title

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.evaluation import scoring, side_by_side
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.files import written_aside

ALGORITHMS = (
    *("repeater", "threshold", "threshold-equal", "threshold-if-sent"),
    *("bc", "bc-equal", "stc", "stc-shared"),
)
DPI, COLOURS = 115, 128
"""Few colours make a small file."""


def rows_of(handle: samples.Handle, blocks: Sequence[scoring.Block]) -> dict[str, npt.NDArray[Any]]:
    """Columns of the events of blocks, without those between them, which may be for calibration."""
    columns = handle.read(None, slice(min(one.first for one in blocks), max(one.last for one in blocks)))
    own = np.isin(columns["event"], [event for one in blocks for event in one.events])
    return {name: column[own] for name, column in columns.items()}


@in_one_line
def main() -> None:
    """Choose, decode, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=100_000, help="modules to choose from, whole events")
    parser.add_argument("--links", type=links_name, default="signal-driven")
    parser.add_argument("--algorithms", nargs="*", default=ALGORITHMS, help="of the chip")
    parser.add_argument("--candidates", nargs="*", default=(), help="folders of autoencoder candidates")
    parser.add_argument("--learned", nargs="*", default=(), metavar="NAME", help="learned:SAMPLE:ALGORITHM")
    parser.add_argument("--published", nargs="*", default=(), metavar="NAME", help="published:FOLDER:ORIENTATION")
    given = parser.parse_args()
    names = [*given.algorithms, *given.learned, *given.candidates, *given.published]
    check_untrained(names, given.sample, given.rows)
    blocks = scoring.blocks(given.sample, given.rows, every=True)
    with samples.Handle(given.sample) as handle:
        own = modules(rows_of(handle, blocks), LinkAllocation.named(given.links), samples.is_calibrated(handle.origin))
    shown = own.chosen(side_by_side.of_every_occupancy(own.charge, own.exists))
    arrived = {name: codec(name, given.links).transverse(shown) for name in names}
    of_chip = {title(name): found for name, found in arrived.items() if name in CHIP or name.startswith(LEARNED)}
    others = {title(name): found for name, found in arrived.items() if title(name) not in of_chip}
    figure = side_by_side.figure(shown, [each for each in (of_chip, others) if each])
    drawn = BytesIO()
    figure.savefig(drawn, dpi=DPI, format="png")
    picture = Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    with written_aside(given.out) as file:
        picture.save(file, format="png", optimize=True)


if __name__ == "__main__":
    main()
