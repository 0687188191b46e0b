"""A candidate behind uncalibrated and behind transverse charges: what the module sum on the link brings."""

import numpy as np
import pytest

from qcompress.detectors import Firmware
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.encoder.charge_sharing import link_sums, module_calq, sums_of_links
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.evaluation import codecs
from qcompress.detectors.hgcal.evaluation.events import modules
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Chain, Graph, Node, Quantize

IMAGE = Format(False, 8, 1)
AS_IT_IS = Graph("as_it_is", (8, 8, 1), IMAGE, (Node("as_it_is", Quantize(Cast(IMAGE)), "input"),))
FRONT_END = FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist())


def known(calibration="one", **options):
    front_end = DETECTOR.front_end(EncoderOptions(calibration=calibration))
    chain = Chain("whole", (DETECTOR.preprocess(front_end, "encoder", {}), AS_IT_IS))
    firmware = Firmware.of_chains(front_end, {"encoder": chain}, **options)
    return codecs.table(firmware, {"decoder": lambda values: values}, None)


@pytest.fixture(scope="module")
def on_chip():
    columns, _ = fast_simulation.simulate_event("photon-0pu", 7, 3)
    return modules(columns)


def test_the_sum_on_the_link_is_that_of_the_charges_in_front(on_chip):
    found = known()
    counts = {name: found[name].decode(on_chip).sum(axis=1) for name in (codecs.ENCODER, codecs.TRANSVERSE)}
    plain = module_calq(FRONT_END, on_chip.columns)
    assert (counts[codecs.ENCODER] == sums_of_links(link_sums(plain))).all()
    assert (counts[codecs.TRANSVERSE] == sums_of_links(link_sums(on_chip.calq))).all()


def test_empty_trigger_cells_count_only_where_charges_are_not_calibrated(on_chip):
    """Code 0 stands for 4 counts at high density and 1 at low: transverse, they are 1 or 0."""
    found, true = known(), on_chip.charge.sum()
    before = found[codecs.ENCODER].transverse(on_chip).sum() / true
    behind = found[codecs.TRANSVERSE].transverse(on_chip).sum() / true
    assert before > 1.2
    assert behind == pytest.approx(1, abs=0.05)
    busiest = on_chip.chosen(np.argsort(-on_chip.charge.sum(axis=1))[:20])
    shares = found[codecs.TRANSVERSE].transverse(busiest)
    assert (shares.argmax(axis=1) == busiest.calq.argmax(axis=1)).all()


def test_a_decoder_that_was_told_other_sums_is_not_offered_transverse_charges():
    assert codecs.TRANSVERSE not in known(decoder="conditional")


def test_a_candidate_for_transverse_charges_is_scored_with_them(on_chip):
    own, other = known("transverse"), known()
    assert codecs.TRANSVERSE not in own
    assert own[codecs.ENCODER].calibrated
    assert (own[codecs.ENCODER].transverse(on_chip) == other[codecs.TRANSVERSE].transverse(on_chip)).all()
    assert (own["uniform"].transverse(on_chip) != other["uniform"].transverse(on_chip)).any()
