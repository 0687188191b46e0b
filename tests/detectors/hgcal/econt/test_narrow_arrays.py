"""What callers may hand over: narrow arrays, lists, values that only just do not belong; and what is told of them."""

from dataclasses import replace

import numpy as np
import pytest

from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import Density, bit_length, calibrate, decode, encode
from qcompress.detectors.hgcal.econt.registers import Algorithm, Registers, read_registers
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.errors import QcompressError

CODES = np.random.default_rng(3).integers(-32, 32, 2144)


def test_numbers_of_narrow_arrays_do_not_overflow():
    every = np.arange(128)
    assert decode(every.astype(np.uint8), Density.HD).tolist() == decode(every, Density.HD).tolist()
    charge = np.array([1, 200, 250])
    assert calibrate(charge.astype(np.uint8), np.array([4095], np.int16)).tolist() == [
        int(c) * 4095 >> 11 for c in charge
    ]
    assert calibrate(np.array([30000], np.int16), np.array([255], np.uint8)).tolist() == [30000 * 255 >> 11]
    assert bit_length(np.array([1, 127, 200, 255], np.uint8)).tolist() == [1, 7, 8, 8]
    assert encode(np.array([255], np.uint8), 1, 4, 3).tolist() == encode(np.array([255]), 1, 4, 3).tolist()
    for result in (decode(every.astype(np.uint8), Density.HD), bit_length(every), encode(every, 1, 4, 3)):
        assert result.dtype == np.int64


def test_a_front_end_holds_plain_integers_whatever_it_was_given():
    given = FrontEnd(3, np.int32(3), np.full(48, 2048, np.int16), np.arange(48, dtype=np.uint8))
    assert given == FrontEnd(Density.HD, 3, (2048,) * 48, tuple(range(48)))
    assert type(given.density) is Density
    assert type(given.drop) is int
    for values in (given.calibration, given.mux):
        assert type(values) is tuple
        assert {type(value) for value in values} == {int}


def test_weights_are_kept_wide_apart_and_unchangeable():
    weights = EncoderWeights.from_list(CODES.astype(np.int8))
    for name in ("conv_kernel", "conv_bias", "dense_kernel", "dense_bias"):
        codes = getattr(weights, name)
        assert codes.dtype == np.int64
        with pytest.raises(ValueError, match="read-only"):
            codes[...] = 0
    narrow = EncoderWeights(*(getattr(weights, n).astype(np.int8) for n in weights.__dataclass_fields__))
    assert {getattr(narrow, name).dtype for name in weights.__dataclass_fields__} == {np.dtype(np.int64)}
    other = EncoderWeights.from_list(CODES[::-1])
    assert hash(weights) == hash(narrow) != hash(other)
    with pytest.raises(QcompressError, match=r"^encoder weights: some are NaN or infinite$"):
        EncoderWeights.from_floats(np.full((3, 3, 1, 8), np.nan), np.zeros(8), np.zeros((128, 16)), np.zeros(16))


def test_messages_name_the_register(tmp_path):
    front_end = FrontEnd.autoencoder(range(48))
    with pytest.raises(
        QcompressError, match=r"^registers: no active_etxs \(FormatterBuffer\); say the number of links \(etx\)$"
    ):
        Registers(Algorithm.BEST_CHOICE, front_end).with_links(None)
    for place, name in enumerate(("T1", "T2", "T3")):
        buffer = tuple(-1 if k == place else 5 for k in range(3))
        with pytest.raises(QcompressError, match=rf"registers: {name}\b"):
            replace(Registers(Algorithm.THRESHOLD_SUM, front_end), buffer=buffer)
    path = tmp_path / "init.yaml"
    path.write_text("ECON-T:\n  RW:\n    AlgoDroplsb: 1\n    AlgoDroplsb: 2\n")
    with pytest.raises(QcompressError, match=r"init\.yaml:4: .*\(key .AlgoDroplsb. is given twice") as fault:
        read_registers(path)
    assert "XX" not in str(fault.value)
