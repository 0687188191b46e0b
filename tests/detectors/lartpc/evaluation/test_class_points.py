"""Operating points of hits: what the network gave for each, counted by a plain loop; results around them stay."""

from types import SimpleNamespace

import numpy as np
import pytest

from qcompress.detectors import TEST, Firmware, Running
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.evaluation import hit_results
from qcompress.detectors.lartpc.evaluation.running import RUNS
from qcompress.detectors.lartpc.images import rows
from qcompress.detectors.lartpc.images.models import UNET, ImageOptions
from qcompress.detectors.lartpc.images.plug import Images
from qcompress.detectors.lartpc.images.stages import CLASS
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.fixedpoint import Format
from qcompress.progress import silent


def scores_at(row, column):
    """Codes of nothing, shower and track."""
    return -100, (row * 5 + column * 3) % 64, (row * 7 + column * 13) % 64


def decide(codes):
    """A network whose scores depend on the place alone."""
    _, height, width = codes.shape
    scores = np.array([[scores_at(row, column) for column in range(width)] for row in range(height)])
    found = np.broadcast_to(scores, (*codes.shape, 3))
    return {UNET: found, CLASS: found.argmax(axis=-1)}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("points") / "a.h5"
    fast_simulation.simulate("mix-hd-hits", 12, 3, path)
    return path


@pytest.fixture
def firmware():
    registers = Images().front_end(ImageOptions(view="patch"))
    graph = SimpleNamespace(name=UNET, output_format=Format(True, 8, 6))
    return Firmware(registers, {UNET: graph}, {UNET: Running(None, decide)}, {})


@pytest.mark.parametrize("most", [10_000, 3])
def test_hits_that_cuts_keep_are_counted(most, sample, firmware):
    found, kept, counts = rows.tiles(sample, rows.settings_of(firmware.front_end)), np.zeros(2, int), np.zeros(2, int)
    for number in np.flatnonzero(found.split == TEST)[:most]:
        for cell in range(*found.first[number : number + 2]):
            _, shower, track = scores_at(found.cells.row[cell], found.cells.column[cell])
            is_shower = int(found.cells.kind[cell] == samples.SHOWER)
            counts[is_shower] += 1
            kept[is_shower] += track > shower
    results = RUNS["images"].evaluate(firmware, sample, {}, most, silent)
    table = results.tables[-1]
    assert table.title == "Operating points"
    lines = {row[0]: row[1:] for row in table.rows}
    assert list(lines) == ["all hits", "track above shower", "best s/sqrt(b)", "best s/sqrt(s+b)"]
    assert lines["all hits"] == ("-", *counts, 100, pytest.approx(100 * counts[0] / counts.sum()))
    shares = (pytest.approx(100 * kept[0] / counts[0]), pytest.approx(100 * kept[0] / kept.sum()))
    assert lines["track above shower"] == (0.25, *kept, *shares)
    assert lines["best s/sqrt(s+b)"][0] % 0.25 == 0  # a difference of codes of two bits behind the point
    plain = hit_results.evaluate(firmware, sample, most, silent)
    assert results.tables[:-1] == plain.tables
    assert results.summary == plain.summary
