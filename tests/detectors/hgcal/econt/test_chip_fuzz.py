"""Damaged register files and word files: one line of complaint, or what the twin gives; nothing else."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers import econt_twin as twin

from qcompress.detectors.hgcal.econt.chip import run_chip
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import Density
from qcompress.detectors.hgcal.econt.registers import Algorithm, Registers, read_registers, write_registers
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.econt.word_files import INPUT_DECIMAL, INPUT_HEX
from qcompress.detectors.hgcal.econt.words import pack_words, read_words
from qcompress.errors import QcompressError

ROWS = 4
MUTATIONS = 300
VALUES = ["-1", "0", "1", "2", "3", "7", "13", "8191", "4095", "9" * 11, "1.5", "yes", "null", "[1]", "{}", "0x1F", "x"]
PIECES = (" ", "\t", "\r", ",", ",,", "\n", "\n\n", *"0a9fG-\x00\xff٣:#'", "&a ", "*a")


def mutate(text: str, rng: np.random.Generator) -> str:
    """One or two small accidents."""
    for _ in range(int(rng.integers(1, 3))):
        lines = text.split("\n")
        line, other = rng.integers(0, len(lines), 2)
        place = int(rng.integers(0, max(1, len(text))))
        match int(rng.integers(0, 10)):
            case 0:
                del lines[line]
                text = "\n".join(lines)
            case 1:
                lines.insert(other, lines[line])
                text = "\n".join(lines)
            case 2:
                lines[line], lines[other] = lines[other], lines[line]
                text = "\n".join(lines)
            case 3:
                text = text[:place] + text[place + 1 :]
            case 4:
                text = text[: place if rng.random() < 0.2 else len(text)]
            case 5 | 6:
                text = text[:place] + str(rng.choice(PIECES)) + text[place:]
            case 7:
                text = text[:place] + str(rng.choice(list("0123456789abcdef"))) + text[place + 1 :]
            case _:
                key, colon, _ = lines[line].partition(":")
                words = lines[line].split(",")
                if len(words) > 1:
                    words[int(rng.integers(len(words)))] = str(rng.choice(VALUES))
                    lines[line] = ",".join(words)
                elif colon:
                    lines[line] = f"{key}: {rng.choice(VALUES)}"
                text = "\n".join(lines)
    return text


def random_registers(rng: np.random.Generator) -> Registers:
    order = ["msb", "lsb"][int(rng.integers(2))]
    algorithm = Algorithm(int(rng.integers(5)))
    front = FrontEnd(
        Density.HD, 3, tuple(rng.integers(0, 4096, 48).tolist()), tuple(rng.permutation(48).tolist()), order
    )
    repeater, encoder = algorithm is Algorithm.REPEATER, algorithm is Algorithm.AUTOENCODER
    return Registers(
        algorithm,
        front,
        links=13 if repeater else int(rng.integers(1, 14)),
        thresholds=tuple(rng.integers(0, 20_000, 48).tolist()) if algorithm is Algorithm.THRESHOLD_SUM else None,
        buffer=(30, 20, 10),
        stc_type=int(rng.integers(4)),
        weights=EncoderWeights.from_list(rng.integers(-32, 32, 2144)) if encoder else None,
    )


def random_words(rng: np.random.Generator, order: str) -> str:
    words = pack_words(rng.integers(0, 128, (ROWS, 48)), np.arange(ROWS) % 3, order)
    if rng.random() < 0.3:
        rows = [", ".join(str(word) for word in row) for row in (words & 0x0FFFFFFF).tolist()]
        return "\n".join([INPUT_DECIMAL.header.replace(",", ", "), *rows, ""])
    return "\n".join([INPUT_HEX.header, *(",".join(f"{word:08x}" for word in row) for row in words.tolist()), ""])


def chip_words(registers: Path, words: Path) -> list[list[int]] | str:
    """What the chip gives, or its complaint."""
    try:
        given = read_registers(registers)
        return np.concatenate(list(run_chip(given, read_words(words, given.front_end.tc_order)))).tolist()
    except QcompressError as fault:
        return str(fault)


def twin_words(registers: Path, words: Path) -> list[list[int]]:
    given, order, links = twin.registers_from_yaml(registers.read_bytes().decode())
    codes, bxs = twin.words_from_csv(words.read_bytes().decode(), order)
    return twin.run(given, codes, bxs, links if links is not None else 13)


@pytest.mark.parametrize("what", ["init.yaml", "in.csv"])
def test_damaged_files(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng([1, 2] if what == "in.csv" else [3])
    registers_file, words_file = tmp_path / "init.yaml", tmp_path / "in.csv"
    if what == "in.csv":  # reading the same good YAML again and again is most of the time
        monkeypatch.setattr(f"{__name__}.read_registers", lambda path: registers)
    seen: Counter[str] = Counter()
    for number in range(MUTATIONS):
        if number % 50 == 0:
            registers = random_registers(rng)
            write_registers(registers, registers_file)
            words_file.write_text(random_words(rng, registers.front_end.tc_order))
            assert chip_words(registers_file, words_file) == twin_words(registers_file, words_file)
            good = (tmp_path / what).read_bytes().decode()
            twin_of_good = twin.registers_from_yaml(registers_file.read_text())
        (tmp_path / what).write_bytes(mutate(good, rng).encode())
        found = chip_words(registers_file, words_file)
        seen[type(found).__name__] += 1
        if isinstance(found, str):
            assert "\n" not in found
        elif what == "init.yaml":
            assert found == twin_words(registers_file, words_file)
        else:
            reg, order, links = twin_of_good
            codes, bxs = twin.words_from_csv(words_file.read_bytes().decode(), order)
            assert found == twin.run(reg, codes, bxs, links or 13)
    assert seen["list"] > MUTATIONS // 20
    assert seen["str"] > MUTATIONS // 4


def test_the_mutations_that_pass_are_read_the_same_way(tmp_path: Path) -> None:
    """YAML's own freedom: flow style, comments, hexadecimal numbers, anchors."""
    registers = Registers(Algorithm.REPEATER, FrontEnd(Density.LD, 1, (2048,) * 48, tuple(range(48)), "lsb"))
    write_registers(registers, tmp_path / "init.yaml")
    content = yaml.safe_load((tmp_path / "init.yaml").read_text())
    content["Cal"] |= {5: 0x7FF}
    text = yaml.safe_dump(content, default_flow_style=True).replace("2048", "0x800", 3)
    (tmp_path / "init.yaml").write_text("# made by hand\n" + text)
    (tmp_path / "in.csv").write_text(random_words(np.random.default_rng(5), "lsb"))
    found = chip_words(tmp_path / "init.yaml", tmp_path / "in.csv")
    assert found == twin_words(tmp_path / "init.yaml", tmp_path / "in.csv")
    assert isinstance(found, list)
