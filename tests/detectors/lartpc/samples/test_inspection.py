"""What `data inspect` says of a sample of wires."""

import numpy as np
import pytest
from helpers.wire_events import event, small, written

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.samples import inspection


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    small(monkeypatch)


def test_counts_are_those_of_the_events(tmp_path):
    dead, clipped = event(1), event(2, hits=False)
    dead.waveforms["U"][2] = 77
    clipped.waveforms["W"][[1, 5], 9] = 4095
    clipped.waveforms["V"][0, 3] = 0
    found = inspection.inspect(written(tmp_path / "a.h5", dead, clipped))
    told = dict(found.tables[0].rows)
    assert told["events"] == 2
    assert told["events without a hit"] == 1
    assert told["channels of one code"] == 1
    assert told["channels with codes at an end of the converter"] == 3
    assert told["chamber"] == "protodune-sp"
    rows = {(row[0], row[1]): row[2:] for row in found.tables[1].rows}
    assert rows["U", "track"] == (1, 1, 0.003)
    assert rows["U", "shower"] == (1, 1, 0.002)
    assert rows["W", "track"] == (0, 0, 0.0)
    assert [figure.get_suptitle() for figure in found.figures.values()] == ["event 1, protodune-sp"]


def test_a_sample_of_hits_alone_is_drawn_too(tmp_path):
    found = inspection.inspect(written(tmp_path / "a.h5", event(1), waveforms=False))
    assert dict(found.tables[0].rows)["planes with waveforms"] == "none"
    drawn = found.figures["event"].axes[0].images[0].get_array()
    assert np.asarray(drawn).max() == 3000


def test_hits_of_nothing_have_a_line_where_there_are_any(tmp_path):
    labelled = event(1)
    labelled.hits["kind"][0] = labelled.pixels["kind"][0] = samples.NOTHING
    rows = {
        (row[0], row[1]): row[2:] for row in inspection.inspect(written(tmp_path / "a.h5", labelled)).tables[1].rows
    }
    assert rows["U", "nothing"] == (1, 1, 0.003)
    assert sum(row[0] for row in rows.values()) == 2
    plain = inspection.inspect(written(tmp_path / "b.h5", event(1))).tables[1].rows
    assert {row[1] for row in plain} == {"shower", "track", "delta ray", "Michel electron", "radioactivity"}
