"""Waveforms to regions through the chain: a bright pulse is kept where it is, masked wires are not; faults."""

import numpy as np
import pytest

from qcompress.detectors.firmware import Firmware
from qcompress.detectors.lartpc.online import waveform_files
from qcompress.detectors.lartpc.roi import emulation
from qcompress.detectors.lartpc.roi.models import ROI
from qcompress.detectors.lartpc.roi.stages import DECISION, INPUT_FORMAT, Decision, clip
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Chain, Graph, MaxPool, Node, Quantize
from qcompress.graph.movement import Flatten
from qcompress.progress import silent

FRONT_END = {"preset": "protodune-sp", "plane": "W", "threshold": 0.5, "windows": 10}


@pytest.fixture
def firmware():
    """A network that gives the largest sample of a window, over 16."""
    nodes = (
        Node("most", MaxPool((200,), (200,)), "input"),
        Node("flat", Flatten(), "most"),
        Node("logit", Quantize(Cast(Format(True, 10, 6))), "flat"),
    )
    graph = Graph(ROI, (200, 1), INPUT_FORMAT, nodes)
    chain = Chain("chain", (clip(12), graph, Decision(graph.output_format, 0.99)), (ROI, DECISION))
    return Firmware.of_chains(FRONT_END, {ROI: chain})


def test_regions_are_the_windows_that_are_kept(firmware, tmp_path):
    codes = np.full((4, 500), 900, np.uint16)
    codes[0, ::7] += 1
    codes[1, ::7] += 1
    codes[1, 260] = 1500
    codes[2, :] = 0  # dead
    codes[3, ::2] = 4095  # saturated
    waveform_files.write(tmp_path / "waves.npy", codes)
    said = emulation.emulate(firmware, tmp_path / "waves.npy", tmp_path / "regions.csv", silent)
    assert (tmp_path / "regions.csv").read_text() == "event,wire,start,stop\n0,1,150,350\n"
    assert said.startswith("1 regions with 10.00 % of the ticks, 2 wires masked")


def test_the_input_is_not_written_over(firmware, tmp_path):
    with pytest.raises(QcompressError, match="is the input itself"):
        emulation.emulate(firmware, tmp_path / "a.npy", tmp_path / "a.npy", silent)
