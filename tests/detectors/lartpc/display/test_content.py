"""What the page is given: hits as they are in the sample, waveforms that come back, particles in words."""

import base64
import zlib

import numpy as np
import pytest
from helpers.wire_events import event, small, written

from qcompress.detectors import Firmware
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.display.content import content
from qcompress.errors import QcompressError
from qcompress.progress import silent


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    small(monkeypatch)


def unpacked(text):
    """Codes of a text, one by one."""
    raw = zlib.decompress(base64.b64decode(text), -15)
    half, codes, value = len(raw) // 2, [], 0
    for low, high in zip(raw[:half], raw[half:], strict=True):
        value = (value + low + 256 * high) % 65536
        codes.append(value)
    return codes


def test_hits_and_waveforms_are_those_of_the_sample(tmp_path):
    given = [event(3), event(4, split=2), event(5, hits=False)]
    path = written(tmp_path / "a.h5", *given)
    found = content(path, [1, 2], {}, silent)
    with samples.Handle(path) as handle:
        assert found["sample"] == handle.content_hash()
    first, second = found["events"]
    assert (first["event"], first["part"], first["what"]) == (4, "test", "single")
    assert first["hits"]["wire"] == [3, 4]
    assert first["hits"]["charge"] == [3000, 2000]
    assert first["particles"] == {"0": "mu- of 1.5 MeV", "1": "e- of 2.5 MeV"}
    assert {plane: sorted(waves) for plane, waves in first["waves"].items()} == {"U": ["3", "4"], "V": [], "W": []}
    for wire in (3, 4):
        assert unpacked(first["waves"]["U"][str(wire)]) == given[1].waveforms["U"][wire].tolist()
    assert second["hits"]["wire"] == []
    assert found["waveforms"] is True


def test_a_wire_of_radioactivity_alone_has_no_waveform_and_one_of_hits_without_truth_has(tmp_path):
    one = event(1)
    one.hits["kind"][:] = samples.RADIOACTIVE, samples.NOTHING
    shown = content(written(tmp_path / "a.h5", one), [0], {}, silent)["events"][0]
    assert list(shown["waves"]["U"]) == ["4"]


def test_a_sample_of_hits_alone_is_shown_without_waveforms(tmp_path):
    shown = content(written(tmp_path / "a.h5", event(1), waveforms=False), [0], {}, silent)
    assert shown["waveforms"] is False
    assert shown["events"][0]["waves"] == {}


def test_a_codec_is_refused(tmp_path):
    registers = {"preset": "protodune-sp", "plane": "W", "windows": 1, "ticks": 32, "order": 1, "noise": "kept"}
    with pytest.raises(QcompressError, match="squeeze: a candidate of codec; give those of images or of regions"):
        content(written(tmp_path / "a.h5", event(1)), [0], {"squeeze": Firmware(registers, {}, {}, {})}, silent)


def test_regions_of_another_chamber_are_refused(tmp_path):
    path = written(tmp_path / "a.h5", event(1))
    other = {"preset": "dune-hd", "plane": "W", "threshold": 0.5, "windows": 1}
    with pytest.raises(QcompressError, match=r"a\.h5: a sample of protodune-sp, the network is for dune-hd"):
        content(path, [0], {"regions": Firmware(other, {}, {}, {})}, silent)


def test_every_code_comes_back():
    from qcompress.detectors.lartpc.display.content import packed

    codes = np.random.default_rng(1).integers(0, 1 << 14, 500).astype(np.uint16)
    assert unpacked(packed(codes)) == codes.tolist()
