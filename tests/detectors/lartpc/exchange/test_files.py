"""Which format a file is, and what may be said about it."""

import pytest
from helpers.wire_events import event, small, written

from qcompress.detectors.lartpc.exchange import files
from qcompress.errors import QcompressError
from qcompress.progress import silent


@pytest.fixture
def sample(tmp_path, monkeypatch):
    small(monkeypatch)
    return written(tmp_path / "a.h5", event(0))


@pytest.mark.parametrize(("name", "settings", "said"), [
    ("x.bin", {}, "trigger primitives (threshold, version 2)"),
    ("x.npy", {"what": "primitives", "finder": "fir"}, "trigger primitives (fir, version 2)"),
    ("x.npy", {"plane": "V"}, "16 wires of 64 ticks"),
    ("x.npy.gz", {"plane": "V"}, "regions of 1 events"),
    ("x.npy", {"plane": "V", "what": "regions"}, "regions of 1 events"),
])  # fmt: skip
def test_the_ending_and_settings_say_what_is_written(name, settings, said, sample, tmp_path):
    assert said in files.export_file(sample, tmp_path / name, settings)
    assert (tmp_path / name).stat().st_size > 0


@pytest.mark.parametrize(("name", "settings", "said"), [
    ("x.csv", {}, "samples are written as .root, .npy, .npy.gz, .bin"),
    ("x.npy", {}, "say with --set plane=NAME whose waveforms"),
    ("x.npy.gz", {"what": "waveforms", "plane": "V"}, "waveforms are written as .npy"),
    ("x.bin", {"what": "regions"}, "regions are not written as .bin"),
    ("x.bin", {"plane": "V"}, "--set plane says nothing of it; settings for it: what, finder"),
    ("x.bin", {"finder": "best"}, "--set finder: input should be 'threshold', 'fir' or 'running-sum'"),
    ("x.root", {"what": "regions"}, "--set what says nothing of it; settings for it: waveforms"),
    ("x.npy", {"colour": "red"}, "--set colour: extra inputs are not permitted; settings are what, plane"),
])  # fmt: skip
def test_what_cannot_be_written_is_one_line(name, settings, said, sample, tmp_path):
    with pytest.raises(QcompressError) as fault:
        files.export_file(sample, tmp_path / name, settings)
    assert said in str(fault.value)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(("name", "settings", "skip", "said"), [
    ("x.csv", {}, False, "trees (.root) and clouds of points (.h5, .hdf5) are read"),
    ("x.h5", {"chamber": "dune-hd"}, False, "say it with --set chamber=NAME"),
    ("x.h5", {"chamber": "dune-1x2x6", "voxel_mm": "3"}, False, "say it with --set chamber=NAME"),
    ("x.h5", {"chamber": "dune-hd", "voxel_mm": "-3"}, False, "--set voxel_mm: input should be greater than 0"),
    ("x.root", {"voxel_mm": "3"}, False, "--set voxel_mm says nothing of it; settings for it: chamber"),
    ("x.root", {}, True, "import it without --skip-bad-rows"),
])  # fmt: skip
def test_what_cannot_be_read_is_one_line(name, settings, skip, said, tmp_path):
    with pytest.raises(QcompressError) as fault:
        files.import_file(tmp_path / name, tmp_path / "b.h5", skip, settings, silent)
    assert said in str(fault.value)
