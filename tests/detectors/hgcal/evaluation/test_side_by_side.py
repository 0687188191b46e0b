"""Modules under many algorithms: which are shown, and that what stands below each is its EMD."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.evaluation.side_by_side import LETTERS, OCCUPANCIES, WIDTH, figure, of_every_occupancy
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation.fast_simulation import simulate_event
from qcompress.metrics.emd import emd

NAMES = ("repeater", "threshold", "threshold-if-sent", "bc", "stc")


@pytest.fixture(scope="module")
def shown():
    columns, _ = simulate_event("electron-200pu", 1, 2)
    own = modules(columns, LinkAllocation.named("signal-driven"))
    rows = of_every_occupancy(own.charge, own.exists)
    return own, rows, own.chosen(rows)


def test_few_some_and_many_cells_and_a_partial_module(shown):
    own, rows, few = shown
    occupied, whole = (own.charge > 35).sum(axis=1), own.exists.all(axis=1)
    for row, wanted in zip(rows, OCCUPANCIES, strict=False):
        alike = np.flatnonzero(whole & (np.abs(occupied - wanted) == np.abs(occupied[whole] - wanted).min()))
        assert own.charge[row].sum() == own.charge[alike].sum(axis=1).max()
    assert len(rows) == 4
    assert not few.exists[3].all()
    assert of_every_occupancy(own.charge[whole][:9], own.exists[whole][:9]).shape == (3,)


def test_below_every_module_stands_its_emd_and_no_word_lies_over_another(shown):
    _, _, few = shown
    arrived = {CHIP[name].title: CHIP[name].transverse(few) for name in NAMES}
    arrived["nothing at all"] = np.zeros((len(few), 48))
    page = figure(few, [arrived, {"the charge once more": few.charge}])
    assert page.get_figwidth() == WIDTH
    assert len(page.axes) == len(few) * (2 + len(arrived) + 1) + 1
    page.draw_without_rendering()
    texts = [text for text in page.texts if text.get_text()]
    assert {text.get_fontsize() for text in texts} == {LETTERS}
    boxes = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    boxes.append(page.axes[-1].get_tightbbox())
    assert all(box.x0 >= 0 and box.x1 <= WIDTH * page.dpi and box.y0 >= 0 for box in boxes)
    truth, said = geometry.channels_to_train(few.charge), [text.get_text() for text in texts]
    for name in NAMES:
        arrived_there = geometry.channels_to_train(CHIP[name].transverse(few))
        numbers = [f"{d:.2f}" if d >= 0 else "nothing" for d in emd(truth, arrived_there, geometry.emd_cost())]
        where = next(k for k, words in enumerate(said) if words.replace("\n", " ") == CHIP[name].title)
        assert said[where + 1 : where + 1 + len(few)] == numbers
    assert said[-len(few) :] == ["0.00"] * len(few)
    assert said.count("nothing") >= len(few)
