"""Waveforms in NumPy files: back as they were; published regions; files that are none."""

import gzip

import numpy as np
import pytest

from qcompress.detectors.lartpc.online import waveform_files
from qcompress.errors import QcompressError


def test_waveforms_come_back(tmp_path):
    codes = np.random.default_rng(1).integers(0, 4096, (5, 300)).astype(np.uint16)
    waveform_files.write(tmp_path / "waves.npy", codes)
    assert (waveform_files.read(tmp_path / "waves.npy", channels=5, ticks=300) == codes).all()
    with pytest.raises(QcompressError, match=r"waves.npy: 5 channels of 300 ticks, not 5 of 400"):
        waveform_files.read(tmp_path / "waves.npy", ticks=400)


def test_published_regions_are_read_whole(data_file):
    """1821, 478 and 8 regions of 200, 350 and 500 ticks on 1999 channels of two events."""
    found = waveform_files.read_dumpraw(data_file("lartpc/roi1d/dumpraw-0.npy.gz"))
    assert found.samples.shape == (2307, 500)
    last = (found.samples != 0).cumsum(axis=1).argmax(axis=1) + 1
    assert [int(np.sum((last > low) & (last <= high))) for low, high in ((0, 200), (200, 350), (350, 500))] == [
        1821, 478, 8,
    ]  # fmt: skip
    assert set(found.view) == {"Z"}
    assert len(np.unique(found.event)) == 2
    assert len(np.unique(np.stack([found.event, found.channel]), axis=1).T) >= 1999


def test_files_that_are_none_or_cut_are_refused(tmp_path, data_file):
    (tmp_path / "text.npy").write_text("1 2 3")
    np.save(tmp_path / "float.npy", np.zeros((2, 300)))
    np.save(tmp_path / "whole.npy", np.zeros((2, 300), np.uint16))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "whole.npy").read_bytes()[:-10])
    (tmp_path / "cut.npy.gz").write_bytes(gzip.compress((tmp_path / "whole.npy").read_bytes())[:-20])
    for name, said in (
        ("text.npy", "it is no NumPy array, or is cut"),
        ("cut.npy", "it is no NumPy array, or is cut"),
        ("cut.npy.gz", "it is no NumPy array, or is cut"),
        ("none.npy", "No such file or directory"),
        ("float.npy", "codes are whole numbers, not float64"),
    ):
        with pytest.raises(QcompressError, match=rf"{name}: .*{said}"):
            waveform_files.read(tmp_path / name)
    with pytest.raises(QcompressError, match="no table of regions"):
        waveform_files.read_dumpraw(tmp_path / "whole.npy")


def test_published_regions_are_written_as_they_were(data_file, tmp_path):
    found = waveform_files.read_dumpraw(data_file("lartpc/roi1d/dumpraw-0.npy.gz"))
    for name in ("a.npy", "a.npy.gz"):
        waveform_files.write_dumpraw(tmp_path / name, found)
        again = waveform_files.read_dumpraw(tmp_path / name)
        assert all((one == other).all() for one, other in zip(found, again, strict=True))
    with gzip.open(data_file("lartpc/roi1d/dumpraw-0.npy.gz")) as theirs, gzip.open(tmp_path / "a.npy.gz") as ours:
        kinds = [np.lib.format.read_array(file, max_header_size=200_000).dtype for file in (theirs, ours)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(("change", "said"), [
    ({"samples": np.full((1, 3), 40_000)}, "samples of 40000 to 40000 in 16 bits"),
    ({"view": np.array(["ZZ"])}, "a plane is one letter, not ZZ"),
])  # fmt: skip
def test_regions_that_do_not_fit_are_refused(change, said, tmp_path):
    one = np.zeros(1, np.int64)
    regions = waveform_files.Regions(one, one, one, np.array(["Z"]), np.zeros((1, 3), np.int64))
    with pytest.raises(QcompressError, match=said):
        waveform_files.write_dumpraw(tmp_path / "a.npy", regions._replace(**change))
    assert not (tmp_path / "a.npy").exists()
