"""Windows against a plain reading of their rules, cell by cell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.detectors.tpc.geometry import INNER_ROWS, PADS
from qcompress.detectors.tpc.networks.windows import SHAPES, Layout, windows
from qcompress.errors import QcompressError

TIMES = 11
CHARGES = np.random.default_rng(0).integers(0, 16384, (len(PADS), int(PADS.max()), TIMES), np.int16)
PLACES = st.integers(0, len(PADS) - 1).flatmap(
    lambda row: st.tuples(st.just(row), st.integers(0, int(PADS[row]) - 1), st.integers(0, TIMES - 1))
)


def plain(row: int, pad: int, time: int, layout: Layout) -> list[int]:
    """The text of the rules, one number after the other; chambers lie apart by the window's reach."""
    apart = layout.rows // 2
    on_grid = row + (apart if row >= INNER_ROWS else 0)
    numbers = []
    for g in range(on_grid - apart, on_grid + apart + 1):
        r = g if g < INNER_ROWS else g - apart
        gap = INNER_ROWS <= g < INNER_ROWS + apart
        for dp in range(-(layout.pads // 2), layout.pads // 2 + 1):
            for t in range(time - layout.times // 2, time + layout.times // 2 + 1):
                if gap or not 0 <= r < len(PADS):
                    numbers.append(-1)
                    continue
                p = pad + int((int(PADS[r]) - int(PADS[row])) / 2) + dp
                inside = 0 <= p < PADS[r] and 0 <= t < TIMES
                numbers.append(int(CHARGES[r, p, t]) if inside else -1)
    return numbers


@settings(deadline=None, max_examples=60)
@given(st.lists(PLACES, min_size=1, max_size=8), st.sampled_from(SHAPES))
def test_a_window_holds_what_the_rules_say(places: list[tuple[int, int, int]], shape: str) -> None:
    layout = Layout.parse(shape)
    found = windows(CHARGES, *np.array(places).T, layout)
    assert found.tolist() == [plain(*place, layout) for place in places]


@pytest.mark.parametrize("row", [0, 61, 62, 63, 64, 151])
def test_at_every_end_and_between_the_chambers(row: int) -> None:
    for shape in SHAPES:
        layout = Layout.parse(shape)
        places = [(row, pad, time) for pad in (0, 1, int(PADS[row]) - 1) for time in (0, 5, TIMES - 1)]
        found = windows(CHARGES, *np.array(places).T, layout)
        assert found.tolist() == [plain(*place, layout) for place in places]
        assert (found[:, layout.centre] >= 0).all()


def test_no_window_sees_both_chambers() -> None:
    found = windows(CHARGES, *np.array([[62, 40, 5], [63, 40, 5]]).T, Layout.parse("3x5x5")).reshape(2, 3, 25)
    assert (found[0, 2] == -1).all()
    assert (found[1, 0] == -1).all()
    assert (found[0, :2] >= 0).all()


def test_sizes() -> None:
    layout = Layout.parse("7x7x7", extras=True)
    assert (layout.window, layout.centre, layout.size) == (343, 171, 346)
    assert Layout.parse("3x5x5", True, True).size == 83


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5x5", "give rows x pads x time bins"),
        ("3x4x5", "sizes are odd"),
        ("3x67x5", "larger than a sector, which has 63x66x99"),
        ("3x5x²", "give rows x pads"),
    ],
)
def test_a_window_that_cannot_be_is_a_fault(text: str, words: str) -> None:
    with pytest.raises(QcompressError, match=words):
        Layout.parse(text)
