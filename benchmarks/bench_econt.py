"""Rows a second of the ECON-T emulation, per algorithm, beside the plain per-row twin of the tests on the same rows.

    python benchmarks/bench_econt.py [ROWS] [REPEATS]

The input is random: trigger-cell codes whose exponents fall off geometrically, as charges do. The twin runs the first
few hundred rows; its words must be the chip's. Reading and writing CSV files are timed for themselves.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from helpers import econt_twin as twin

from qcompress.detectors.hgcal.econt.chip import CHUNK_ROWS, decode_chip, run_chip
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import Density
from qcompress.detectors.hgcal.econt.registers import Algorithm, Registers, registers_from_weights
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.econt.word_files import INPUT_DECIMAL, INPUT_HEX, Words32, format_hex
from qcompress.detectors.hgcal.econt.words import Words, pack_words, read_words

TWIN_ROWS = 300
FRONT = FrontEnd(Density.HD, 3, tuple(range(1500, 1500 + 48)), tuple(range(47, -1, -1)))


def cases(rng: np.random.Generator) -> dict[str, tuple[Registers, int]]:
    weights = EncoderWeights.from_list(np.clip(rng.normal(0, 6, 2144), -32, 31).astype(np.int64))
    found = {"repeater, 13 links": (Registers(Algorithm.REPEATER, FRONT), 13)}
    for threshold, links in ((1200, 5), (150, 13)):
        registers = Registers(Algorithm.THRESHOLD_SUM, FRONT, thresholds=(threshold,) * 48, buffer=(24 * links, 500, 0))
        found[f"threshold sum {threshold}, {links} links"] = registers, links
    for links in (1, 5, 10, 13):
        found[f"best choice, {links} links"] = Registers(Algorithm.BEST_CHOICE, FRONT), links
    for kind, links in ((0, 5), (1, 1), (2, 3), (3, 3)):
        registers = Registers(Algorithm.SUPER_TRIGGER_CELL, FRONT, stc_type=kind)
        found[f"super trigger cell type {kind}, {links} links"] = registers, links
    for links in (2, 5):
        found[f"autoencoder, {links} links"] = registers_from_weights(weights, FRONT, links), links
    return found


def as_twin(registers: Registers) -> dict[str, Any]:
    front = registers.front_end
    return {
        "select": int(registers.algorithm),
        "drop": front.drop,
        "shift": int(front.density),
        "cal": front.calibration,
        "mux": front.mux,
        "thresholds": registers.thresholds,
        "buffer": registers.buffer,
        "stc_type": registers.stc_type,
        "keep": registers.keep_mask,
        "weights": None if registers.weights is None else registers.weights.to_list().tolist(),
    }


def best(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Shortest wall time of `repeats` calls, and the last result."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    return min(times), result


def chip_rows(registers: Registers, chunks: Sequence[Words], links: int) -> int:
    return sum(len(chunk) for chunk in run_chip(registers, chunks, links))


def decoded_chunks(registers: Registers, words: Sequence[Words32], links: int) -> int:
    return sum(1 for _ in decode_chip(registers, words, links))


def words_in(path: Path) -> int:
    return sum(len(part.bx) for part in read_words(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="?", default=100_000)
    parser.add_argument("repeats", type=int, nargs="?", default=3)
    given = parser.parse_args()
    rows, repeats = given.rows, given.repeats
    rng = np.random.default_rng(1)
    codes = np.minimum(rng.geometric(0.25, (rows, 48)) - 1, 15) << 3 | rng.integers(0, 8, (rows, 48))
    bx = np.arange(rows) % 3564
    chunks = [
        Words(bx[k : k + CHUNK_ROWS], np.asfortranarray(codes[k : k + CHUNK_ROWS])) for k in range(0, rows, CHUNK_ROWS)
    ]
    few = codes[:TWIN_ROWS].tolist()
    print(f"{rows} rows, best of {repeats}; twin: {TWIN_ROWS} rows")
    print(f"{'algorithm':36s}{'rows/s':>12s}{'twin rows/s':>14s}{'ratio':>8s}{'decode rows/s':>16s}")
    for name, (registers, links) in cases(rng).items():
        seconds, _ = best(partial(chip_rows, registers, chunks, links), repeats)
        words = list(run_chip(registers, chunks, links))
        slow, expected = best(partial(twin.run, as_twin(registers), few, list(range(TWIN_ROWS)), links), 1)
        assert words[0][:TWIN_ROWS].tolist() == expected
        back, _ = best(partial(decoded_chunks, registers, words, links), 1)
        ratio = rows / seconds / (TWIN_ROWS / slow)
        print(f"{name:36s}{rows / seconds:12.0f}{TWIN_ROWS / slow:14.0f}{ratio:8.0f}{rows / back:16.0f}")
    with tempfile.TemporaryDirectory() as folder:
        time_files(Path(folder), codes, bx, repeats)


def time_files(folder: Path, codes: Any, bx: Any, repeats: int) -> None:
    words = pack_words(codes, bx)
    rows = len(words)
    text = folder / "hex.csv"
    text.write_bytes(INPUT_HEX.header.encode() + b"\n" + format_hex(words))
    decimal = folder / "decimal.csv"
    lines = (",".join(map(str, row)) for row in (words & 0x0FFFFFFF).tolist())
    decimal.write_text("\n".join([INPUT_DECIMAL.header, *lines, ""]))
    for name, path in (("read hex words", text), ("read decimal words", decimal)):
        seconds, _ = best(partial(words_in, path), repeats)
        print(f"{name:36s}{rows / seconds:12.0f}")
    out = np.zeros((rows, 13), np.uint32)
    out[:, :12] = words

    def write() -> None:
        with (folder / "out.csv").open("wb") as file:
            for start in range(0, rows, CHUNK_ROWS):
                file.write(format_hex(out[start : start + CHUNK_ROWS]))

    print(f"{'write link words':36s}{rows / best(write, repeats)[0]:12.0f}")


if __name__ == "__main__":
    main()
