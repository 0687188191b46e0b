"""Waveforms of a sample as NumPy files: codes as they are, regions with their samples."""

import numpy as np
import pytest
from helpers.wire_events import event, small, written

from qcompress.detectors.lartpc.exchange import arrays
from qcompress.detectors.lartpc.online import waveform_files
from qcompress.errors import QcompressError


@pytest.fixture
def sample(tmp_path, monkeypatch):
    small(monkeypatch)
    given = [event(3), event(7)]
    for one in given:
        one.waveforms["W"][:] = 900
    given[0].waveforms["W"][4, 20:26] = [905, 915, 960, 950, 914, 905]
    given[1].waveforms["W"][2, 5] = 1400
    given[1].waveforms["W"][2, 50] = 860
    return written(tmp_path / "a.h5", *given)


def test_codes_are_those_of_the_sample(sample, tmp_path):
    said = arrays.export_waveforms(sample, tmp_path / "a.npy", "U", 7)
    assert said.startswith("16 wires of 64 ticks in")
    assert (waveform_files.read(tmp_path / "a.npy") == event(7).waveforms["U"]).all()
    with pytest.raises(QcompressError, match="has no event 4"):
        arrays.export_waveforms(sample, tmp_path / "b.npy", "U", 4)


@pytest.mark.parametrize("name", ["r.npy", "r.npy.gz"])
def test_regions_go_on_while_samples_are_above_the_lower_threshold(name, sample, tmp_path):
    said = arrays.export_regions(sample, tmp_path / name, "W")
    assert said.startswith("3 regions of 2 events, |samples| above 19 and 11")  # 5 and 3 times 3.74 counts
    found = waveform_files.read_dumpraw(tmp_path / name)
    assert list(zip(found.event, found.channel, found.roi, strict=True)) == [(3, 4, 0), (7, 2, 0), (7, 2, 1)]
    assert set(found.view) == {"Z"}
    assert found.samples.shape == (3, arrays.LONGEST)
    assert found.samples[0, 9:16].tolist() == [5, 15, 60, 50, 14, 5, 0]  # from 10 ticks before the first above 11
    assert np.flatnonzero(found.samples[1]).tolist() == [5]
    assert found.samples[2, 10] == -40
    with pytest.raises(QcompressError, match="no waveforms of plane 'Y'; there are U, V, W"):
        arrays.export_regions(sample, tmp_path / "b.npy", "Y")
