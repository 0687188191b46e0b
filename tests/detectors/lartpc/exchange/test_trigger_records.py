"""Records of trigger primitives against the layout of their bit fields by ctypes; primitives of a sample."""

import ctypes

import numpy as np
import pytest
from helpers.wire_events import SMALL, event, small, written

from qcompress.detectors.lartpc.exchange import trigger_records
from qcompress.detectors.lartpc.exchange.trigger_records import DTYPE, FIELDS, packed, unpacked
from qcompress.detectors.lartpc.online.primitives import Primitives, Settings, find
from qcompress.errors import QcompressError


class Struct(ctypes.LittleEndianStructure):
    """The fields in order, as ctypes packs them."""

    _fields_ = tuple((name, ctypes.c_uint64, bits) for name, (_, _, bits) in FIELDS.items())


def drawn(count):
    """Records whose fields are any numbers of their bits."""
    rng, records = np.random.default_rng(1), np.zeros(count, DTYPE)
    for name, (_, _, bits) in FIELDS.items():
        records[name] = rng.integers(0, (1 << bits) - 1, count, np.uint64, endpoint=True)
    records["version"] = 2
    return records


def test_records_are_the_struct_of_ctypes():
    records = drawn(200)
    assert ctypes.sizeof(Struct) == trigger_records.RECORD_BYTES
    structs = [Struct(**{name: int(record[name]) for name in FIELDS}) for record in records]
    assert packed(records) == b"".join(map(bytes, structs))
    assert (unpacked(packed(records)) == records).all()


def test_what_does_not_fit_or_is_cut_is_refused(tmp_path):
    records = drawn(3)
    records["channel"][1] = 1 << 24
    with pytest.raises(QcompressError, match="channel 16777216 does not fit into 24 bits"):
        packed(records)
    path = tmp_path / "a.bin"
    path.write_bytes(packed(drawn(3))[:-1])
    with pytest.raises(QcompressError, match=r"a.bin: 71 bytes are no whole records of 24"):
        trigger_records.read(path)
    old = drawn(3)
    old["version"][2] = 1
    path.write_bytes(packed(old))
    with pytest.raises(QcompressError, match=r"a.bin: record 2 is of version 1; those of version 2 are read"):
        trigger_records.read(path)
    with pytest.raises(QcompressError, match=r"none.bin: cannot be read"):
        trigger_records.read(tmp_path / "none.bin")


@pytest.mark.parametrize(("field", "value", "said"), [
    ("total", 1 << 32, "adc_integral 4294967296 does not fit into 32 bits"),
    ("peak", -1, "adc_peak -1 does not fit into 16 bits"),
    ("length", 1 << 16, "samples_over_threshold 65536 does not fit into 16 bits"),
    ("channel", 1 << 24, "channel 16777221 does not fit into 24 bits"),
    ("peak_time", 0, "samples_to_peak -7 does not fit into 16 bits"),
])  # fmt: skip
def test_primitives_that_a_record_does_not_hold_are_refused(field, value, said):
    given = {"channel": 1, "start": 7, "length": 3, "peak_time": 8, "peak": 100, "total": 200} | {field: value}
    found = Primitives(**{name: np.array([number]) for name, number in given.items()})
    with pytest.raises(QcompressError, match=said):
        trigger_records.records_of(found, 0, 5, SMALL)


def test_primitives_of_all_planes_and_events_are_in_order_of_time(tmp_path, monkeypatch):
    small(monkeypatch)
    given = [event(3), event(7)]
    for one in given:
        for codes in one.waveforms.values():
            codes[5] = 850
            codes[5, 30:33] = 1350
    path = written(tmp_path / "a.h5", *given)
    said = trigger_records.export(path, tmp_path / "a.bin", "threshold")
    trigger_records.export(path, tmp_path / "a.npy", "threshold")
    records = trigger_records.read(tmp_path / "a.bin")
    assert said.startswith(f"{len(records)} trigger primitives (threshold, version 2)")
    assert (np.load(tmp_path / "a.npy") == records).all()
    expected = []
    for place, one in enumerate(given):
        for number, plane in enumerate(SMALL.planes):
            settings = Settings.of("threshold", SMALL, plane)
            for channel, start, length, peak_time, peak, total in zip(
                *find(one.waveforms[plane.name], settings).primitives, strict=True
            ):
                time = 25 * (place * SMALL.ticks + start)  # 50 MHz, 500 ns
                expected.append((time, channel + 16 * number, length, peak_time - start, total, peak))
    names = ("time_start", "channel", "samples_over_threshold", "samples_to_peak", "adc_integral", "adc_peak")
    assert sorted(zip(*(records[name].tolist() for name in names), strict=True)) == sorted(expected)
    assert (np.diff(records["time_start"].astype(np.int64)) >= 0).all()
    assert {(5 + 16 * number, 25 * (64 * place + 30)) for number in range(3) for place in range(2)} <= set(
        zip(records["channel"].tolist(), records["time_start"].tolist(), strict=True)
    )
    assert set(records["version"]) == {2}
    assert set(records["detid"]) == {3}


def test_a_sample_of_hits_alone_has_none(tmp_path, monkeypatch):
    small(monkeypatch)
    with pytest.raises(QcompressError, match="has no waveforms; no trigger primitives are found"):
        trigger_records.of_sample(written(tmp_path / "a.h5", event(1), waveforms=False), "fir")
