"""Fields -> link words -> fields: nothing is lost, for every algorithm."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.detectors.hgcal.econt import autoencoder, best_choice, repeater, super_trigger_cell
from qcompress.detectors.hgcal.econt.autoencoder import AutoencoderFields, sent_bits
from qcompress.detectors.hgcal.econt.best_choice import KEPT, BestChoiceFields
from qcompress.detectors.hgcal.econt.chip import decode_chip, run_chip
from qcompress.detectors.hgcal.econt.frames import (
    FrameReader,
    FrameWriter,
    flags_to_map,
    header4,
    header5,
    map_to_flags,
)
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import Density, decode
from qcompress.detectors.hgcal.econt.registers import KEEP_ALL, Algorithm, Registers, keep_mask_for_links
from qcompress.detectors.hgcal.econt.repeater import RepeaterFields
from qcompress.detectors.hgcal.econt.super_trigger_cell import TYPES, SuperTriggerCellFields, group_type
from qcompress.detectors.hgcal.econt.threshold_sum import InputBuffer, OutputBuffer, ThresholdSumFields, pack_frames
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.econt.words import Words
from qcompress.errors import QcompressError

FRONT = FrontEnd(Density.HD, 3, (2048,) * 48, tuple(range(48)))
seeds = st.integers(0, 2**32 - 1)


def same(a: Any, b: Any) -> None:
    for field in fields(a):
        assert getattr(a, field.name).tolist() == getattr(b, field.name).tolist(), field.name


@given(st.lists(st.tuples(st.integers(1, 32), st.integers(0, 2**32 - 1)), max_size=20))
def test_writer_and_reader(given_fields: list[tuple[int, int]]) -> None:
    """Against one long string of bits."""
    values = [(width, value & ((1 << width) - 1)) for width, value in given_fields]
    while sum(width for width, _ in values) > 416:
        values.pop()
    writer = FrameWriter(2)
    for width, value in values:
        writer.put(np.array([value, 0]), width)
    text = "".join(f"{value:0{width}b}" for width, value in values).ljust(416, "0")
    words = writer.words()
    assert words.tolist() == [[int(text[k : k + 32], 2) for k in range(0, 416, 32)], [0] * 13]
    assert writer.bits == sum(width for width, _ in values)
    reader = FrameReader(words)
    assert [reader.take(width).tolist() for width, _ in values] == [[value, 0] for _, value in values]


def test_many_fields_and_gaps() -> None:
    writer = FrameWriter(1)
    writer.put(np.array([[1, 2, 3]]), 7)
    writer.skip(4)
    writer.put(np.array([5]), 3)
    text = "0000001" + "0000010" + "0000011" + "0000" + "101"
    assert writer.words()[0, 0] == int(text.ljust(32, "0"), 2)
    reader = FrameReader(writer.words())
    assert reader.take_many(3, 7).tolist() == [[1, 2, 3]]
    assert reader.take_many(0, 7).shape == (1, 0)


def test_a_frame_may_fill_the_last_bit() -> None:
    writer = FrameWriter(1, links=2)
    for width in (32, 5, 27):
        writer.put(np.array([(1 << width) - 2]), width)
    assert writer.words().tolist() == [[2**32 - 2, 2**32 - 2 - 2**27]]
    reader = FrameReader(writer.words())
    assert [reader.take(width).tolist() for width in (32, 5, 27)] == [[2**32 - 2], [30], [2**27 - 2]]


def test_headers() -> None:
    bx = np.array([0, 1, 7, 8, 15, 16, 17, 31, 3552, 3563])
    assert header5(bx).tolist() == [31, 1, 7, 8, 15, 0, 1, 15, 0, 11]
    assert header4(bx).tolist() == [15, 1, 7, 0, 7, 0, 1, 7, 0, 3]


@given(st.lists(st.integers(0, 2**48 - 1), min_size=1))
def test_maps(maps: list[int]) -> None:
    flags = np.array([[c == "1" for c in f"{value:048b}"] for value in maps])
    halves = flags_to_map(flags)
    assert halves.tolist() == [[value >> 24, value & (2**24 - 1)] for value in maps]
    assert map_to_flags(halves).tolist() == flags.tolist()


@given(seeds)
def test_repeater(seed: int) -> None:
    rng = np.random.default_rng(seed)
    given_fields = RepeaterFields(rng.integers(0, 32, 4), rng.integers(0, 128, (4, 48)))
    registers = Registers(Algorithm.REPEATER, FRONT, links=13)
    same(given_fields, repeater.unpack(repeater.pack(given_fields, registers), registers))


@given(seeds, st.integers(1, 13), st.integers(0, 3))
def test_super_trigger_cells(seed: int, links: int, stc_type: int) -> None:
    rng = np.random.default_rng(seed)
    registers = Registers(Algorithm.SUPER_TRIGGER_CELL, FRONT, links=links, stc_type=stc_type)
    kind, groups = group_type(registers)
    address = rng.integers(0, 1 << kind.address_bits, (3, groups if kind.address_bits else 0))
    energy = rng.integers(0, 1 << (kind.exponent_bits + kind.mantissa_bits), (3, groups))
    given_fields = SuperTriggerCellFields(rng.integers(0, 16, 3), address, energy)
    words = super_trigger_cell.pack(given_fields, registers)
    same(given_fields, super_trigger_cell.unpack(words, registers))
    assert not words[:, links:].any()


@pytest.mark.parametrize("stc_type", range(4))
def test_super_trigger_cells_fill_the_links_they_have(stc_type: int) -> None:
    """The published numbers of groups are the most that fit into the links."""
    kind = TYPES[stc_type]
    width = kind.address_bits + kind.exponent_bits + kind.mantissa_bits
    for links, groups in enumerate(kind.sent, 1):
        assert groups == min((32 * links - 4) // width, 48 // kind.cells)


def random_kept(rng: np.random.Generator, rows: int, count: int) -> np.ndarray:
    return np.argsort(np.argsort(rng.random((rows, 48)))) < count


@given(seeds, st.integers(1, 13))
def test_best_choice(seed: int, links: int) -> None:
    rng = np.random.default_rng(seed)
    kept = random_kept(rng, 3, KEPT[links - 1])
    charge = np.where(kept, rng.integers(0, 128, (3, 48)), 0)
    given_fields = BestChoiceFields(rng.integers(0, 16, 3), rng.integers(0, 256, 3), kept, charge)
    registers = Registers(Algorithm.BEST_CHOICE, FRONT, links=links)
    words = best_choice.pack(given_fields, registers)
    same(given_fields, best_choice.unpack(words, registers))
    assert not words[:, links:].any()


def test_best_choice_fills_the_links_it_has() -> None:
    for links, count in enumerate(KEPT, 1):
        sizes = [12 + (6 * n if n < 8 else 48) + 7 * n for n in (count, count + 1)]
        assert sizes[0] <= 32 * links
        assert sizes[1] > 32 * links or count == 48


@given(seeds, st.integers(1, 13), st.integers(0, KEEP_ALL) | st.sampled_from([0, 1, KEEP_ALL]))
def test_autoencoder(seed: int, links: int, mask: int) -> None:
    rng = np.random.default_rng(seed)
    registers = Registers(Algorithm.AUTOENCODER, FRONT, links=links, keep_mask=mask)
    given_fields = AutoencoderFields(rng.integers(0, 32, 3), rng.integers(0, 512, 3), rng.integers(0, 512, (3, 16)))
    words = autoencoder.pack(given_fields, registers)
    found = autoencoder.unpack(words, registers)
    picked = [bit for bit in range(144) if mask >> (143 - bit) & 1]
    sent = set(picked[-min(18 + 32 * (links - 1), 146) :])
    for latent in range(16):
        visible = sum(1 << (8 - bit % 9) for bit in sent if bit // 9 == 15 - latent)
        assert found.latent[:, latent].tolist() == (given_fields.latent[:, latent] & visible).tolist()
    assert found.header.tolist() == given_fields.header.tolist()
    assert found.sum.tolist() == given_fields.sum.tolist()
    assert not words[:, links:].any()


@pytest.mark.parametrize(("links", "bits"), [(1, 1), (2, 3), (3, 5), (4, 7), (5, 9), (6, 9), (13, 9)])
def test_the_mask_for_a_number_of_links_keeps_the_upper_bits(links: int, bits: int) -> None:
    mask = keep_mask_for_links(links)
    assert f"{mask:0144b}" == ("1" * bits + "0" * (9 - bits)) * 16
    registers = Registers(Algorithm.AUTOENCODER, FRONT, links=links, keep_mask=mask)
    assert list(sent_bits(registers)) == [(latent, 9 - bits, bits) for latent in range(15, -1, -1)]


def random_threshold_fields(rng: np.random.Generator, rows: int, pattern_truncated: bool = True) -> ThresholdSumFields:
    kind = rng.choice([0b000, 0b010, 0b100, 0b110, 0b111] if pattern_truncated else [0, 2, 4], rows)
    number = np.select([kind == 2, kind == 4], [rng.integers(1, 8, rows), rng.integers(8, 49, rows)], 0)
    kept = np.argsort(np.argsort(rng.random((rows, 48)))) < number[:, None]
    charge = np.where(kept, rng.integers(0, 128, (rows, 48)), 0)
    return ThresholdSumFields(rng.integers(0, 32, rows), kind, rng.integers(0, 256, rows), kept, charge)


@given(seeds, st.integers(1, 13), st.sampled_from([290, 256, 0b01111111111, 0b10100000000]))
@settings(deadline=None)
def test_threshold_sum_through_both_buffers(seed: int, links: int, pattern: int) -> None:
    """Frames of every type through the output buffer, the links, and back, in chunks of other lengths."""
    rng = np.random.default_rng(seed)
    given_fields = random_threshold_fields(rng, 12)
    registers = Registers(
        Algorithm.THRESHOLD_SUM, FRONT, links=links, buffer=(60_000, 60_000, 0), link_reset_pattern=pattern
    )
    out, back = OutputBuffer(registers), InputBuffer(registers)
    frames, lengths = pack_frames(given_fields)
    zeros = np.zeros(12, np.int64)
    words = [out.push(frames[k : k + 5], lengths[k : k + 5], zeros[k : k + 5], zeros[k : k + 5]) for k in (0, 5, 10)]
    nothing = np.zeros((1, 26), np.uint16)
    while len(out.waiting):  # empty frames push the rest out
        words.append(out.push(nothing, np.ones(1, np.int64), zeros[:1], zeros[:1]))
    stream = np.concatenate(words)
    found = [back.push(stream[k : k + 4]) for k in range(0, len(stream), 4)]
    for name in ("header", "type", "sum", "kept", "charge"):
        joined = np.concatenate([getattr(part, name) for part in found])
        assert joined[:12].tolist() == getattr(given_fields, name).tolist(), name
    assert not np.concatenate([part.type for part in found])[12:].any()


@pytest.mark.parametrize("pattern", [0, 255, 0b010_0000_0000, 0b100_0000_0000, 0b110_0000_0000, 0b111_0000_0000])
def test_idle_words_that_look_like_frames_are_refused(pattern: int) -> None:
    registers = Registers(Algorithm.THRESHOLD_SUM, FRONT, links=2, link_reset_pattern=pattern)
    with pytest.raises(QcompressError, match=f"link_reset_pattern {pattern} makes idle words look like frames"):
        InputBuffer(registers)


def test_frame_lengths_of_the_threshold_sum() -> None:
    """The longest address frame has 7 words, the longest map frame 25."""
    kept = np.zeros((4, 48), bool)
    kept[1, :7], kept[2, :8], kept[3] = True, True, True
    kind = np.array([0, 2, 4, 4])
    some = ThresholdSumFields(np.zeros(4, int), kind, np.zeros(4, int), kept, np.zeros((4, 48), int))
    assert pack_frames(some)[1].tolist() == [1, -(-110 // 16), -(-120 // 16), 25]


def decoded(algorithm: Algorithm, codes: np.ndarray, links: int, **registers: Any) -> dict[str, np.ndarray]:
    given = Registers(algorithm, FRONT, **registers)
    words = run_chip(given, [Words(np.arange(len(codes)), codes)], links)
    parts = list(decode_chip(given, words, links))
    return {name: np.concatenate([part.charges[name] for part in parts]) for name in parts[0].charges}


def test_the_repeater_gives_every_charge_back() -> None:
    codes = np.random.default_rng(0).integers(0, 128, (40, 48))
    assert decoded(Algorithm.REPEATER, codes, 13)["charge"].tolist() == decode(codes, 3).tolist()


def test_best_choice_with_all_links_gives_every_charge_back() -> None:
    codes = np.random.default_rng(1).integers(0, 128, (40, 48))
    assert decoded(Algorithm.BEST_CHOICE, codes, 13)["charge"].tolist() == decode(codes, 3).tolist()


def test_best_choice_gives_the_kept_charges_and_zeros() -> None:
    codes = np.arange(48)[None] + 20
    expected = decode(codes, 3) * (codes > 67 - 14)
    assert decoded(Algorithm.BEST_CHOICE, codes, 5)["charge"].tolist() == expected.tolist()


def test_threshold_sum_gives_the_charges_above_threshold() -> None:
    codes = np.random.default_rng(2).integers(0, 128, (40, 48))
    charge = decode(codes, 3)
    expected = np.where(charge >= 5000, charge, 0)
    settings = {"thresholds": (5000,) * 48, "buffer": (10_000, 10_000, 0)}
    found = decoded(Algorithm.THRESHOLD_SUM, codes, 13, **settings)["charge"]
    assert found.tolist() == expected[: len(found)].tolist()
    assert len(found) == 40
    assert decoded(Algorithm.THRESHOLD_SUM, codes, 13, **settings | {"buffer": (0, 0, 0)})["charge"].any() == 0


def test_super_trigger_cells_give_their_sum_at_the_address_or_in_shares() -> None:
    codes = np.zeros((1, 48), int)
    codes[0, :4] = 1, 9, 2, 9  # charges 12, 76, 20, 76: sum 184, the second 9 wins the tie
    found = decoded(Algorithm.SUPER_TRIGGER_CELL, codes, 2, stc_type=0)
    middle = 188.0  # 184 is sent as 184..191
    assert found["largest"][0, :4].tolist() == [0, 0, 0, middle]
    assert found["shared"][0, :4].tolist() == [middle / 4] * 4
    assert found["largest"][0, 4:20].tolist() == [0, 0, 0, 16] * 4
    assert not found["largest"][0, 20:].any()
    assert not found["shared"][0, 20:].any()
    assert set(decoded(Algorithm.SUPER_TRIGGER_CELL, codes, 2, stc_type=2)) == {"shared"}
    wide = decoded(Algorithm.SUPER_TRIGGER_CELL, codes, 3, stc_type=1)
    assert wide["largest"][0].tolist() == [0, 0, 0, 236.0] + [0] * 27 + [66.0] + [0] * 15 + [66.0]


@given(seeds, st.sampled_from(list(Algorithm)), st.integers(1, 13), st.integers(0, 3))
@settings(deadline=None)
def test_any_words_are_decoded_or_refused(seed: int, algorithm: Algorithm, links: int, stc_type: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.choice(np.array([0xFFFFFFFF, 0x0F0FFFFF, 0x00F03FFF], np.uint32))
    words = rng.integers(0, 1 << 32, (6, 13)).astype(np.uint32) & mask
    registers = Registers(
        algorithm,
        FRONT,
        links=13 if algorithm is Algorithm.REPEATER else links,
        stc_type=stc_type,
        thresholds=(0,) * 48,
        buffer=(0, 0, 0),
        weights=EncoderWeights.from_list(np.zeros(2144, int)),
    )
    try:
        parts = list(decode_chip(registers, [words[:2], words[2:]]))
    except QcompressError as fault:
        message = str(fault)
    else:
        message = ""
        frames = sum(len(part.fields.header) for part in parts)
        assert frames == 6 or algorithm is Algorithm.THRESHOLD_SUM
    assert "\n" not in message
