"""HGQ2's quantizers as casts: the state they have stored, and what may stand before several of them."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.random_hgq2 import OVERFLOWS, ROUNDINGS, hgq, keras

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.frontends.hgq2_quantizers import Formats, cover, formats_of
from qcompress.graph import Quantize, QuantizeEach

FINE = 14
"""Fractional bits of values that are finer than any quantizer here."""


def quantizer(kind: str, rounding: str, overflow: str, shape: tuple[int, ...] = (6,), **state):
    """A built quantizer with that state; k, i, and f or b."""
    made = hgq.quantizer.Quantizer(
        hgq.config.QuantizerConfig(kind, "datalane", round_mode=rounding, overflow_mode=overflow, homogeneous_axis=(0,))
    )
    made.build((None, *shape))
    for name, values in state.items():
        getattr(made.quantizer, f"_{name}").assign(np.array(values)[None])
    return made


STATE = {"k": [1, 0, 1, 1, 0, 1], "i": [2, 1, -1, 0, 3, 1]}


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_mode_is_hgq2s_own(rounding, overflow):
    made = quantizer("kif", rounding, overflow, **STATE, f=[3, 2, 4, 0, -1, -4])
    operation = formats_of("layer", made).operation()
    assert isinstance(operation, QuantizeEach)
    codes = np.arange(-(1 << 9), 1 << 9)[:, None] * np.ones(6, np.int64)  # of fixed<10,5>: ties, and beyond all limits
    given = Format(True, 10, 5)
    theirs = keras.ops.convert_to_numpy(made(given.to_values(codes).astype(np.float32)))
    assert (operation.format.to_values(operation.run(codes, given)) == theirs).all()


def test_the_state_is_that_of_all_bits_or_of_fractional_ones():
    fractional = formats_of("layer", quantizer("kif", "RND", "SAT", **STATE, f=[3, 2, 4, 1, -1, 0]))
    whole = formats_of("layer", quantizer("kbi", "RND", "SAT", **STATE, b=[5, 3, 3, 1, 2, 1]))
    for one, other in zip(fractional, whole, strict=True):
        assert np.array_equal(one, other)
    assert fractional.width.tolist() == [6, 3, 4, 2, 2, 2]
    assert fractional.integer.tolist() == [3, 1, 0, 1, 3, 2]


def test_elements_of_no_bits_and_symmetric_ones_of_one_bit_are_zero():
    found = formats_of("layer", quantizer("kif", "RND", "SAT_SYM", **STATE, f=[-2, -1, -2, 5, -3, -1]))
    assert found.width.tolist() == [0, 0, 0, 6, 0, 0]
    assert formats_of("layer", quantizer("kif", "RND", "WRAP", **STATE, f=[-2, 0, 0, 0, 0, 0])).width.tolist()[0] == 1


def test_one_format_for_all_is_one_cast():
    found = formats_of("layer", quantizer("kif", "RND_CONV", "SAT", k=[1] * 6, i=[2] * 6, f=[3] * 6)).operation()
    assert isinstance(found, Quantize)
    assert found.cast == Cast(Format(True, 6, 3), Rounding.RND_CONV, Overflow.SAT)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"overflow": "WRAP_SM"}, "layer it: quantizer with RND and WRAP_SM; use WRAP, SAT, SAT_SYM"),
        ({"scaler": 3.0}, "layer it: a quantizer with scaler or affine; use none"),
    ],
)
def test_what_is_no_cast_is_refused(settings, said):
    modes = {"round_mode": "RND", "overflow_mode": settings.get("overflow", "WRAP")}
    rest = {key: value for key, value in settings.items() if key != "overflow"}
    made = hgq.quantizer.Quantizer(hgq.config.QuantizerConfig("kif", "datalane", **modes, **rest))
    made.build((None, 3))
    with pytest.raises(Refused) as refusal:
        formats_of("it", made)
    assert str(refusal.value) == said


def test_a_quantizer_of_another_kind_is_refused():
    with pytest.raises(Refused, match=r"layer it: quantizer SimpleNamespace is not exact; use kif or kbi"):
        formats_of("it", SimpleNamespace(quantizer=SimpleNamespace()))


def drawn(rng, rounding, overflow):
    width = rng.integers(0, 7, 4)
    return Formats(rng.integers(0, 2, 4), width, width - rng.integers(-2, 5, 4), rounding, overflow)


def test_what_stands_before_quantizers_changes_nothing_of_them():
    rng = np.random.default_rng(0)
    found = tried = 0
    while tried < 400:
        modes = [(list(Rounding)[rng.integers(7)], list(Overflow)[rng.integers(3)]) for _ in range(2)]
        several = [drawn(rng, *mode) for mode in modes[: rng.integers(1, 3)]]
        if rng.random() < 0.3:
            several = [each._replace(rounding=several[0].rounding, overflow=several[0].overflow) for each in several]
        before = cover(several)
        tried += 1
        if before is None:
            continue
        found += 1
        values = rng.integers(-(1 << 20), 1 << 20, (200, 4))
        values[:100] >>= rng.integers(0, FINE, (100, 4))
        values[0::5] &= -1 << (FINE - 3)  # ties of coarse formats
        codes = before.codes(values, FINE)
        for formats in several:
            each = QuantizeEach(*formats)
            direct = each.run(values, Format(True, 40, 40 - FINE))
            assert (each.run(codes, before.format) == direct).all(), (several, before)
    assert found > 100


def test_nothing_can_stand_before_quantizers_that_ask_for_more():
    def of(fraction, rounding, overflow):
        width = np.array([2 + each for each in fraction])
        return Formats(np.ones(2, np.int64), width, np.array([2, 2]), rounding, overflow)

    assert cover([of([1, 2], Rounding.RND_CONV, Overflow.SAT)]) is None
    assert cover([of([1, 1], Rounding.RND, Overflow.SAT), of([1, 1], Rounding.RND, Overflow.WRAP)]) is None
    half = cover([of([1, 2], Rounding.RND, Overflow.WRAP)])
    assert half == Cast(Format(True, 5, 2), Rounding.TRN, Overflow.WRAP), "the bit below the last decides"
    assert cover([of([2, 2], Rounding.RND_CONV, Overflow.SAT)]) == Cast(
        Format(True, 4, 2), Rounding.RND_CONV, Overflow.SAT
    )
