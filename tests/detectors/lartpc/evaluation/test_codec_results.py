"""Bits that zero suppression sends, counted by hand; a codec that keeps all and one that keeps nothing."""

import numpy as np
import pytest

from qcompress.detectors.firmware import Firmware
from qcompress.detectors.lartpc.codec.models import CODEC, INPUT_FORMAT
from qcompress.detectors.lartpc.evaluation import codec_results as results
from qcompress.detectors.lartpc.online.difference_code import DifferenceCode
from qcompress.detectors.lartpc.roi.rows import Waves
from qcompress.detectors.lartpc.roi.stages import UNIT, clip
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Chain, Graph, Node, Quantize

FRONT_END = {"preset": "protodune-sp", "plane": "W", "windows": 10, "ticks": 32, "order": 1, "noise": "kept"}


def firmware(cast):
    """Latents are the samples themselves, cast."""
    graph = Graph(CODEC, (32,), INPUT_FORMAT, (Node("latents", Quantize(Cast.parse(cast)), "input"),))
    return Firmware.of_chains(FRONT_END, {CODEC: Chain("chain", (clip(12, (32,), INPUT_FORMAT), graph), (CODEC,))})


@pytest.fixture
def event():
    rng = np.random.default_rng(2)
    clean = np.zeros((4, 96), np.float32)
    clean[1, 40:50] = [5, 20, 60, 90, 100, 90, 60, 20, 5, 2]
    codes = (900 + np.rint(clean + rng.normal(0, 3, clean.shape))).astype(np.uint16)
    return Waves(1, 2, (codes.astype(np.int16) - 900), clean, codes)


def test_a_codec_that_keeps_all_has_the_errors_of_the_samples(event):
    found = results._event(firmware("fixed<12,8>"), event, lambda values: values)
    assert found.moments["codec"] == pytest.approx(found.moments["samples"])
    assert found.measured["codec"] == pytest.approx(found.measured["samples"])
    assert found.kept == found.windows == 12
    assert found.true.tolist() == [452.0]
    assert found.bits["raw"] == 4 * 96 * 12
    again = results._event(firmware("fixed<12,8>"), event, lambda values: 1.5 * values)
    assert again.measured["codec"] == pytest.approx(1.5 * found.measured["codec"])


def test_a_codec_that_keeps_nothing_sends_a_header_and_a_bit_for_each_window(event):
    found = results._event(firmware("fixed<4,30,RND,SAT>"), event, lambda values: values)
    assert found.kept == 0
    assert found.bits["codec"] == 4 * 24  # 16 + 3 bits, whole bytes
    assert found.measured["codec"].tolist() == [0.0]


def test_zero_suppression_sends_regions_and_differences_inside(event):
    code = DifferenceCode.of(event.codes)
    kept, bits = results._suppressed(event, code, 15)
    over = np.flatnonzero(np.abs(event.samples[1]) > 15)
    start, stop = over[0] - 10, over[-1] + 11
    assert (kept[1, start:stop] == event.samples[1, start:stop]).all()
    assert np.count_nonzero(kept) == np.count_nonzero(event.samples[1, start:stop])
    place = np.diff(event.codes[1, start:stop].astype(int))
    inside = np.where(np.abs(place) <= 63, code.lengths[np.clip(place, -63, 63) + 63], code.lengths[-1] + 16)
    assert bits == 4 * 16 + 32 + 16 + inside.sum()


def test_tables_compare_with_the_made_code(event):
    found = results._together([results._event(firmware("fixed<12,8>"), event, lambda values: values)] * 2)
    assert found.events == 2
    table = results.bits_table(found, "made up")
    row = {line[0]: line for line in table.rows}
    assert row["made code"][3] == 1
    assert row["raw"][1] == 12
    assert row["codec"][2] == pytest.approx(found.bits["raw"] / found.bits["codec"])
    charge = results.charge_table(found)
    assert charge.rows[-1][:2] == ("5 and more", 2)
    assert charge.rows[-1][2] == pytest.approx(100 * (found.measured["samples"][0] / 452 - 1))
    assert UNIT == 16
    assert Format(True, 12, 8) == INPUT_FORMAT
