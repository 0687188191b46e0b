"""The chip against its plain twin on random registers and inputs: what the public vectors do not reach."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from helpers import econt_twin as twin

from qcompress.detectors.hgcal.econt.chip import run_chip
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import Density
from qcompress.detectors.hgcal.econt.registers import KEEP_ALL, Algorithm, Registers, keep_mask_for_links
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.econt.words import Words, pack_words, unpack_codes
from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Overflow

ROWS = 60


def random_codes(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Modules of all kinds: flat, sparse, one dominant cell, few distinct charges (ties), almost empty."""
    codes = rng.integers(0, 128, (rows, 48))
    kind = rng.integers(0, 5, rows)[:, None]
    codes = np.where(kind == 0, codes & 7, codes)
    codes = np.where((kind == 1) & (rng.random((rows, 48)) < 0.8), 0, codes)
    dominant = np.arange(48) == rng.integers(0, 48, (rows, 1))
    codes = np.where(kind == 2, np.where(dominant, 120 + codes % 8, codes % 4), codes)
    codes = np.where(kind == 3, 40 + codes % 3, codes)
    codes[0], codes[-1] = 0, 127
    return codes


def random_front_end(rng: np.random.Generator) -> FrontEnd:
    calibration = [2048] * 48
    if rng.random() < 0.7:
        calibration = rng.integers(0, 4096, 48).tolist()
    if rng.random() < 0.3:
        calibration = (rng.integers(0, 2, 48) * 4095).tolist()
    mux = rng.permutation(48) if rng.random() < 0.8 else rng.integers(0, 48, 48)
    density = [Density.HD, Density.LD][int(rng.integers(2))]
    return FrontEnd(density, int(rng.integers(0, 5)), tuple(calibration), tuple(mux.tolist()))


def as_twin(registers: Registers) -> dict[str, Any]:
    front = registers.front_end
    return {
        "select": int(registers.algorithm),
        "drop": front.drop,
        "shift": int(front.density),
        "cal": list(front.calibration),
        "mux": list(front.mux),
        "thresholds": registers.thresholds,
        "buffer": registers.buffer,
        "stc_type": registers.stc_type,
        "use_sum": int(registers.use_sum),
        "pattern": registers.link_reset_pattern,
        "keep": registers.keep_mask,
        "weights": None if registers.weights is None else registers.weights.to_list().tolist(),
    }


def compare(
    rng: np.random.Generator, registers: Registers, links: int, rows: int = ROWS, **options: Any
) -> list[list[int]]:
    """Both on the same random words, the chip in chunks of random length; gives the link words."""
    codes, bx = random_codes(rng, rows), (int(rng.integers(0, 3564)) + np.arange(rows)) % 3564
    cuts = np.unique(np.concatenate([[0, rows], rng.integers(0, rows, 3)]))
    chunks = (Words(bx[a:b], codes[a:b]) for a, b in pairwise(cuts))
    mine = np.concatenate(list(run_chip(registers, chunks, links, **options)))
    assert mine.dtype == np.uint32
    reg = as_twin(registers) | {"overflow": str(options.get("overflow", "WRAP"))}
    theirs = twin.run(reg, codes.tolist(), bx.tolist(), links)
    assert mine.tolist() == theirs
    return theirs


@pytest.mark.parametrize("seed", range(12))
def test_repeater(seed: int) -> None:
    rng = np.random.default_rng(seed)
    compare(rng, Registers(Algorithm.REPEATER, random_front_end(rng)), 13)


@pytest.mark.parametrize("links", range(1, 14))
@pytest.mark.parametrize("use_sum", [False, True])
def test_best_choice(links: int, use_sum: bool) -> None:
    rng = np.random.default_rng(100 + links)
    for _ in range(2):
        compare(rng, Registers(Algorithm.BEST_CHOICE, random_front_end(rng), use_sum=use_sum), links)


@pytest.mark.parametrize("links", range(1, 14))
@pytest.mark.parametrize("stc_type", range(4))
def test_super_trigger_cells(links: int, stc_type: int) -> None:
    rng = np.random.default_rng(200 + links)
    compare(rng, Registers(Algorithm.SUPER_TRIGGER_CELL, random_front_end(rng), stc_type=stc_type), links)


def random_threshold_sum(rng: np.random.Generator) -> Registers:
    scale = int(2 ** rng.uniform(2, 22))
    thresholds = rng.integers(scale // 2, scale, 48) * (rng.random(48) < 0.9)
    t1, t2, t3 = int(rng.integers(0, 100)), int(rng.integers(0, 100)), int(rng.integers(0, 26))
    return Registers(
        Algorithm.THRESHOLD_SUM,
        random_front_end(rng),
        thresholds=tuple(np.minimum(thresholds, 2**22 - 1).tolist()),
        buffer=(t1, t2, t3),
        use_sum=bool(rng.integers(2)),
        link_reset_pattern=int(rng.integers(0, 2048)),
    )


@pytest.mark.parametrize("links", range(1, 14))
def test_threshold_sum(links: int) -> None:
    rng = np.random.default_rng(300 + links)
    for _ in range(8):
        compare(rng, random_threshold_sum(rng), links)


def test_the_random_threshold_sums_reach_every_branch() -> None:
    """Frame types, numbers of addresses, both reasons to truncate, and the whole frame kept although n > T2."""
    rng = np.random.default_rng(4)
    seen: Counter[str] = Counter()
    for _ in range(60):
        reg = twin.DEFAULTS | as_twin(random_threshold_sum(rng))
        rows = [twin.calibrated(row, reg) for row in random_codes(rng, 20).tolist()]
        for calq in rows:
            frame = twin.threshold_frame(calq, 1, reg)
            seen[frame[5:8]] += 1
            seen[f"N{frame[16:19]}"] += frame[5:8] == "010"
        twin.threshold_sum(rows, [1] * 20, reg, int(rng.integers(1, 5)), seen)
    assert min(seen[key] for key in ("000", "010", "100", "T1", "T2 and T3", "T2 alone")) > 10
    assert all(seen[f"N{n:03b}"] > 0 for n in range(1, 8))


@pytest.mark.parametrize(("t1", "t2", "t3"), [(25, 24, 25), (1, 0, 1), (2, 0, 1), (0, 0, 0), (5, 1, 4), (9, 2, 3)])
def test_threshold_sum_at_the_edges_of_the_buffer(t1: int, t2: int, t3: int) -> None:
    """Exactly full and exactly at T2, T3: thresholds that give frames of 1, 2, 3 .. words."""
    rng = np.random.default_rng(t1)
    for thresholds in ((1,) + (0,) * 47, (1, 1) + (0,) * 46, (1,) * 48, (0,) * 48, tuple(range(10**6, 10**6 + 48))):
        front = FrontEnd(Density.HD, 3, (2048,) * 48, tuple(range(48)))
        registers = Registers(Algorithm.THRESHOLD_SUM, front, thresholds=thresholds, buffer=(t1, t2, t3))
        for links in (1, 2, 13):
            compare(rng, registers, links, rows=25)


def random_weights(rng: np.random.Generator) -> EncoderWeights:
    kind = rng.integers(0, 4)
    codes = rng.integers(-32, 32, 2144)
    if kind == 1:
        codes = rng.integers(16, 32, 2144)  # every sum overflows
    if kind == 2:
        codes = np.where(rng.random(2144) < 0.7, 0, codes)
    if kind == 3:
        codes = np.where(rng.random(2144) < 0.5, 31, -32)
    return EncoderWeights.from_list(codes)


@pytest.mark.parametrize("links", range(1, 14))
@pytest.mark.parametrize("overflow", [Overflow.WRAP, Overflow.SAT])
def test_autoencoder(links: int, overflow: Overflow) -> None:
    rng = np.random.default_rng(400 + links)
    masks = [KEEP_ALL, keep_mask_for_links(links), int.from_bytes(rng.bytes(18)), 0, 1, 1 << 143]
    registers = Registers(
        Algorithm.AUTOENCODER, random_front_end(rng), keep_mask=masks[links % 6], weights=random_weights(rng)
    )
    compare(rng, registers, links, rows=8, overflow=overflow)


def test_all_latent_bits() -> None:
    rng = np.random.default_rng(7)
    registers = Registers(Algorithm.AUTOENCODER, random_front_end(rng), links=5, weights=random_weights(rng))
    assert len({tuple(row) for row in compare(rng, registers, 5, rows=12)}) == 12


def test_calibration_zero_leaves_nothing() -> None:
    """An empty module: normalisation, sums, network of equal charges."""
    front = FrontEnd(Density.LD, 0, (0,) * 48, tuple(range(48)))
    rng = np.random.default_rng(8)
    weights = random_weights(rng)
    for algorithm, links in ((Algorithm.BEST_CHOICE, 4), (Algorithm.AUTOENCODER, 3), (Algorithm.REPEATER, 13)):
        compare(rng, Registers(algorithm, front, weights=weights), links, rows=5)


@pytest.mark.parametrize("order", ["msb", "lsb"])
def test_small_charges_are_shifted_left_before_the_encoder(order: str) -> None:
    """Calibration 1/2048 leaves sums below 2^7."""
    front = FrontEnd(Density.LD, 0, (40,) * 48, tuple(range(48)), order)
    rng = np.random.default_rng(9)
    codes = rng.integers(0, 12, (10, 48))
    assert unpack_codes(pack_words(codes, np.arange(10), order), order).tolist() == codes.tolist()
    assert front.charges(codes).sum(axis=1).max() < 128
    registers = Registers(Algorithm.AUTOENCODER, front, weights=EncoderWeights.from_list(rng.integers(-32, 32, 2144)))
    mine = np.concatenate(list(run_chip(registers, [Words(np.arange(10), codes)], 5)))
    assert mine.tolist() == twin.run(as_twin(registers), codes.tolist(), list(range(10)), 5)


@pytest.mark.parametrize(
    ("registers", "etx", "message"),
    [
        ({"algorithm": Algorithm.AUTOENCODER}, 2, "autoencoder needs Encoder, which is missing"),
        ({"algorithm": Algorithm.SUPER_TRIGGER_CELL}, 2, "needs FormatterBuffer.Global.stc_type"),
        ({"algorithm": Algorithm.THRESHOLD_SUM, "buffer": (1, 1, 1)}, 2, "threshold_sum needs AlgoThreshold"),
        ({"algorithm": Algorithm.THRESHOLD_SUM, "thresholds": (0,) * 48}, 2, "needs FormatterBuffer.Global buff_t1"),
        ({"algorithm": Algorithm.BEST_CHOICE}, None, r"no active_etxs .* say the number of links \(etx\)"),
        ({"algorithm": Algorithm.BEST_CHOICE}, 14, r"links is 14, allowed is 1\.\.13"),
        ({"algorithm": Algorithm.BEST_CHOICE}, 0, r"links is 0, allowed is 1\.\.13"),
        ({"algorithm": Algorithm.REPEATER}, 12, "repeater needs all 13 links, active are 12"),
    ],
)
def test_missing_registers_are_named(registers: dict[str, Any], etx: int | None, message: str) -> None:
    given = Registers(front_end=FrontEnd.autoencoder(range(48)), **registers)
    with pytest.raises(QcompressError, match=message):
        run_chip(given, [], etx)


def test_etx_goes_before_the_registers() -> None:
    rng = np.random.default_rng(11)
    compare(rng, Registers(Algorithm.BEST_CHOICE, random_front_end(rng), links=9), 3)
    repeater = Registers(Algorithm.REPEATER, random_front_end(rng))
    assert repeater.with_links(None).links == 13


def test_other_overflow_modes_are_refused() -> None:
    weights = EncoderWeights.from_list(np.zeros(2144, int))
    registers = Registers(Algorithm.AUTOENCODER, FrontEnd.autoencoder(range(48)), weights=weights)
    with pytest.raises(Refused, match="overflow mode SAT_SYM is not known to be the chip's; use WRAP or SAT"):
        list(run_chip(registers, [Words(np.zeros(1, int), np.zeros((1, 48), int))], 2, overflow=Overflow.SAT_SYM))
