from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import Density
from qcompress.detectors.hgcal.econt.registers import (
    KEEP_ALL,
    Algorithm,
    Registers,
    keep_mask_for_links,
    read_registers,
    registers_from_weights,
    weights_from_registers,
    write_registers,
)
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.errors import QcompressError

REVERSED = tuple(range(47, -1, -1))


def content(old: bool = False) -> dict[str, Any]:
    """A small register file of either generation."""
    algorithm = (
        {"ConfigAlgo": {"Global": {"alg_high_density": 0, "alg_type": 2}}}
        if old
        else {"Algorithm": {"Global": {"density": 0, "select": 2}}}
    )
    return algorithm | {
        "AlgoDroplsb": {"Global": {"drop_lsb": 2} if old else 2},
        "AlgoThreshold": {k: k for k in range(48)},
        "Cal": {k: 4095 - k for k in range(48)},
        "Mux": dict(enumerate(REVERSED)),
        "FormatterBuffer": {
            "Global": {
                "active_etxs": 0x1F if old else 5,
                "buff_t1": 1,
                "buff_t2": 2,
                "buff_t3": 3,
                "stc_type": 3,
                "use_sum": 1,
                "link_reset_pattern": 2047,
            }
        },
    }


def read(tmp_path: Path, given: Any) -> Registers:
    path = tmp_path / "init.yaml"
    path.write_text(given if isinstance(given, str) else yaml.safe_dump(given))
    return read_registers(path)


EXPECTED = Registers(
    Algorithm.BEST_CHOICE,
    FrontEnd(Density.LD, 2, tuple(4095 - k for k in range(48)), REVERSED, "lsb"),
    links=5,
    thresholds=tuple(range(48)),
    buffer=(1, 2, 3),
    stc_type=3,
    use_sum=True,
    link_reset_pattern=2047,
)


@pytest.mark.parametrize("old", [False, True])
def test_both_generations(tmp_path: Path, old: bool) -> None:
    expected = EXPECTED.with_tc_order("msb" if old else "lsb")
    assert read(tmp_path, content(old)) == expected
    write_registers(expected, tmp_path / "again.yaml")
    assert read_registers(tmp_path / "again.yaml") == expected
    assert yaml.safe_load((tmp_path / "again.yaml").read_text())["AlgoDroplsb"] == content(old)["AlgoDroplsb"]
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_density_bit(tmp_path: Path) -> None:
    given = content()
    given["Algorithm"]["Global"]["density"] = 1
    assert read(tmp_path, given).front_end.density is Density.HD
    given = content(old=True)
    given["ConfigAlgo"]["Global"]["alg_high_density"] = 1
    assert read(tmp_path, given).front_end.density is Density.HD


@pytest.mark.parametrize("select", range(5))
def test_algorithm_numbers(tmp_path: Path, select: int) -> None:
    names = ["THRESHOLD_SUM", "SUPER_TRIGGER_CELL", "BEST_CHOICE", "REPEATER", "AUTOENCODER"]
    given = content()
    given["Algorithm"]["Global"]["select"] = select
    assert read(tmp_path, given).algorithm.name == names[select]


@pytest.mark.parametrize(("density", "drop"), [(1, 3), (0, 1)])
def test_defaults_of_absent_blocks(tmp_path: Path, density: int, drop: int) -> None:
    given = {"Algorithm": {"Global": {"density": density, "select": 4}}, "Mux": dict(enumerate(REVERSED))}
    registers = read(tmp_path, given)
    assert registers == Registers(
        Algorithm.AUTOENCODER, FrontEnd(Density(drop), drop, (2048,) * 48, REVERSED, "lsb"), keep_mask=KEEP_ALL
    )
    assert (registers.links, registers.thresholds, registers.buffer, registers.stc_type) == (None,) * 4
    assert registers.link_reset_pattern == 290
    assert not registers.use_sum


@pytest.mark.parametrize(("register", "drop"), [(0, 0), (3, 3), (4, 4), (5, 0), (7, 0)])
@pytest.mark.parametrize("old", [False, True])
def test_a_drop_above_four_acts_as_zero(tmp_path: Path, register: int, drop: int, old: bool) -> None:
    for value in (register, {"drop_lsb": register}):
        assert read(tmp_path, content(old) | {"AlgoDroplsb": {"Global": value}}).front_end.drop == drop


@pytest.mark.parametrize("links", range(1, 14))
def test_links_are_a_count_or_a_mask(tmp_path: Path, links: int) -> None:
    new, old = content(), content(old=True)
    new["FormatterBuffer"]["Global"]["active_etxs"] = links
    old["FormatterBuffer"]["Global"]["active_etxs"] = 2**links - 1
    assert read(tmp_path, new).links == read(tmp_path, old).links == links


def test_keep_masks(tmp_path: Path) -> None:
    given = content()
    given["FormatterBuffer"]["Global"] |= {"mask_ae": 2**127 + 5, "mask_ae2": 0x8001}
    mask = read(tmp_path, given).keep_mask
    assert mask == 0x8001 << 128 | 2**127 + 5
    given = content()
    given["FormatterBuffer"]["Global"]["keep_auto_encoder_bits"] = mask
    assert read(tmp_path, given).keep_mask == mask
    given["FormatterBuffer"]["Global"]["mask_ae2"] = 1
    with pytest.raises(QcompressError, match="give either keep_auto_encoder_bits or mask_ae and mask_ae2"):
        read(tmp_path, given)


def change(path: str, value: Any, old: bool = False) -> dict[str, Any]:
    """The small file with one key set, or removed (value None)."""
    given = content(old)
    *blocks, key = [int(k) if k.isdigit() else k for k in path.split("/")]
    inner: Any = given
    for block in blocks:
        inner = inner.setdefault(block, {})
    if value is None:
        del inner[key]
    else:
        inner[key] = value
    return given


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("Algorithm", None, "needs exactly one of the blocks ConfigAlgo and Algorithm"),
        ("ConfigAlgo", {}, "needs exactly one of the blocks ConfigAlgo and Algorithm"),
        ("Algorithm", 3, "Algorithm: is no block of registers"),
        ("Algorithm/Global/select", 5, r"Algorithm: Global: select is 5, allowed is 0\.\.4"),
        ("Algorithm/Global/select", -1, "select is -1"),
        ("Algorithm/Global/select", None, "Algorithm: Global: select is missing"),
        ("Algorithm/Global/density", 2, r"density is 2, allowed is 0\.\.1"),
        ("Algorithm/Global/density", True, "density is True"),
        ("Algorithm/Global/speed", 2, "Algorithm: Global: 'speed' is no register of the chip known here"),
        ("Algorithm/Local", {}, "Algorithm: 'Local' is no register"),
        ("AlgoDroplsb/Global", 8, r"AlgoDroplsb: Global is 8, allowed is 0\.\.7"),
        ("AlgoDroplsb/Global", {"drop_lsb": 8}, r"drop_lsb is 8, allowed is 0\.\.7"),
        ("AlgoDroplsb/Global", {"drop": 3}, "AlgoDroplsb: Global: drop_lsb is missing"),
        ("AlgoDroplsb/Global", {"drop_lsb": 3, "x": 1}, "AlgoDroplsb: Global: 'x' is no register"),
        ("AlgoDroplsb/Other", 3, "AlgoDroplsb: 'Other' is no register"),
        ("AlgoDroplsb/Global", 1.5, r"Global is 1\.5"),
        ("AlgoThreshold/7", None, "AlgoThreshold: 7 is missing"),
        ("AlgoThreshold/7", 2**22, r"AlgoThreshold: 7 is 4194304, allowed is 0\.\.4194303"),
        ("AlgoThreshold/48", 1, "AlgoThreshold: 48 is no register"),
        ("Cal/0", 4096, r"Cal: 0 is 4096, allowed is 0\.\.4095"),
        ("Cal", [1, 2], "Cal: is no block of registers"),
        ("Mux/47", 48, r"Mux: 47 is 48, allowed is 0\.\.47"),
        ("Mux/47", "a", "Mux: 47 is 'a'"),
        ("Mux", None, "Mux is missing; it has no default"),
        ("FormatterBuffer/Global/active_etxs", 14, r"active_etxs is 14, allowed is 1\.\.13"),
        ("FormatterBuffer/Global/active_etxs", 0, "active_etxs is 0"),
        ("FormatterBuffer/Global/buff_t2", None, "buff_t2 is missing"),
        ("FormatterBuffer/Global/buff_t1", 65536, r"buff_t1 is 65536, allowed is 0\.\.65535"),
        ("FormatterBuffer/Global/stc_type", 4, r"stc_type is 4, allowed is 0\.\.3"),
        ("FormatterBuffer/Global/use_sum", 2, r"use_sum is 2, allowed is 0\.\.1"),
        ("FormatterBuffer/Global/link_reset_pattern", 2048, r"link_reset_pattern is 2048, allowed is 0\.\.2047"),
        ("FormatterBuffer/Global/mask_ae", 1, "mask_ae2 is missing"),
        ("FormatterBuffer/Global/mask_ae2", 1, "mask_ae is missing"),
        ("FormatterBuffer/Global/keep_auto_encoder_bits", 2**144, "keep_auto_encoder_bits is 2230"),
        ("FormatterBuffer/Global/mystery", 1, "FormatterBuffer: Global: 'mystery' is no register"),
        ("FormatterBuffer/Other", 1, "FormatterBuffer: 'Other' is no register"),
        ("Encoder", {}, "Encoder: 0 is missing"),
        ("Encoder", {k: {} for k in range(12)}, "Encoder: 0: weights_byte0 is missing"),
        ("Secrets", {}, "'Secrets' is no register of the chip known here"),
    ],
)
def test_faults_name_the_key(tmp_path: Path, path: str, value: Any, message: str) -> None:
    with pytest.raises(QcompressError, match=message) as fault:
        read(tmp_path, change(path, value))
    assert str(fault.value).startswith(str(tmp_path / "init.yaml"))
    assert "\n" not in str(fault.value)


def test_widths_of_the_large_registers(tmp_path: Path) -> None:
    """Each at its largest value, and one above."""
    weights = EncoderWeights.from_list(np.full(2144, -1))  # all bits set
    registers = registers_from_weights(weights, EXPECTED.front_end, 2)
    write_registers(replace(registers, keep_mask=KEEP_ALL), tmp_path / "ae.yaml")
    text = (tmp_path / "ae.yaml").read_text()
    good = yaml.safe_load(text)
    assert read(tmp_path, good).weights == weights
    assert good["Encoder"][11] == {
        f"weights_byte{k}": 2 ** (48 if k == 128 else 128) - 1 for k in (*range(0, 128, 16), 128)
    }
    buffer = good["FormatterBuffer"]["Global"]
    for block, key in (
        (good["Encoder"][11], "weights_byte0"),
        (good["Encoder"][0], "weights_byte128"),
        (buffer, "mask_ae"),
        (buffer, "mask_ae2"),
    ):
        block[key] += 1
        with pytest.raises(QcompressError, match=f"{key} is {block[key]}, allowed is 0..{block[key] - 1}$"):
            read(tmp_path, good)
        block[key] -= 1
    del buffer["mask_ae"], buffer["mask_ae2"]
    buffer["keep_auto_encoder_bits"] = KEEP_ALL
    assert read(tmp_path, good).keep_mask == KEEP_ALL


@pytest.mark.parametrize(
    ("mask", "message"),
    [(0, "is 0"), (8192, "is 8192"), (0x2, "is 0x2: only masks of the first"), (0x1FFD, "is 0x1ffd")],
)
def test_masks_with_gaps_are_refused(tmp_path: Path, mask: int, message: str) -> None:
    with pytest.raises(QcompressError, match=f"active_etxs {message}"):
        read(tmp_path, change("FormatterBuffer/Global/active_etxs", mask, old=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not valid YAML"),
        ("- 1\n- 2\n", "is no block of registers"),
        ("", "is no block of registers"),
        ("Mux:\n 0: 1\n 0: 2\n", "not valid YAML .*key 0 is given twice"),
        ("a: 2024-99-99\n", "not valid YAML"),
        ("? [1]\n: 2\n", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        ("a: \x01\n", "not valid YAML"),
    ],
)
def test_no_yaml(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(QcompressError, match=message) as fault:
        read(tmp_path, text)
    assert "\n" not in str(fault.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(QcompressError, match=r"init\.yaml: cannot be read \(No such file"):
        read_registers(tmp_path / "init.yaml")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("links", 14, r"links is 14, allowed is 1\.\.13"),
        ("thresholds", (0,) * 47, "thresholds has 47 entries"),
        ("thresholds", (0,) * 47 + (2**22,), r"thresholds\[47\] is 4194304"),
        ("buffer", (0, -1, 0), "T2 is -1"),
        ("stc_type", 4, "stc_type is 4"),
        ("link_reset_pattern", -1, "link_reset_pattern is -1"),
        ("link_reset_pattern", 2048, r"link_reset_pattern is 2048, allowed is 0\.\.2047"),
        ("buffer", (0, 0, 65536), r"T3 is 65536, allowed is 0\.\.65535"),
        ("links", 0, "links is 0"),
        ("stc_type", -1, "stc_type is -1"),
        ("keep_mask", -1, "keep_mask is -1"),
        ("keep_mask", 2**144, "keep_mask is"),
    ],
)
def test_registers_check_themselves(field: str, value: Any, message: str) -> None:
    with pytest.raises(QcompressError, match=f"registers: {message}"):
        replace(EXPECTED, **{field: value})


def test_links_that_are_left_open() -> None:
    assert EXPECTED.active_links == 5
    with pytest.raises(QcompressError, match=r"registers: FormatterBuffer\.Global\.active_etxs is missing"):
        _ = replace(EXPECTED, links=None).active_links


@pytest.mark.parametrize("order", ["msb", "lsb"])
def test_registers_from_weights(tmp_path: Path, order: str) -> None:
    weights = EncoderWeights.from_list(np.random.default_rng(0).integers(-32, 32, 2144))
    front = FrontEnd(Density.HD, 3, (2048,) * 48, REVERSED, order)
    registers = registers_from_weights(weights, front, 3)
    assert registers.keep_mask == keep_mask_for_links(3)
    assert registers.algorithm is Algorithm.AUTOENCODER
    write_registers(registers, tmp_path / "ae.yaml")
    again = read_registers(tmp_path / "ae.yaml")
    assert again == registers
    assert weights_from_registers(again) == weights
    with pytest.raises(QcompressError, match=r"links is 0, allowed is 1\.\.13"):
        registers_from_weights(weights, front, 0)
    with pytest.raises(QcompressError, match="registers: Encoder is missing"):
        weights_from_registers(EXPECTED)


def test_reference_files_survive_writing(data_file: Callable[[str], Path], tmp_path: Path) -> None:
    for path in sorted(data_file("econt").glob("*/*/init.yaml")):
        registers = read_registers(path)
        write_registers(registers, tmp_path / "again.yaml")
        assert read_registers(tmp_path / "again.yaml") == registers


def test_encoder_blocks_of_the_reference_survive_writing(data_file: Callable[[str], Path], tmp_path: Path) -> None:
    """Every weight register, number for number."""
    path = data_file("econt/mcDataset/AE_8x8_c8_S2_ele_qkeras/init.yaml")
    write_registers(read_registers(path), tmp_path / "again.yaml")
    blocks = [yaml.safe_load(p.read_text())["Encoder"] for p in (path, tmp_path / "again.yaml")]
    assert blocks[0] == blocks[1]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(QcompressError, match=r"cannot be written \(No such file"):
        write_registers(EXPECTED, tmp_path / "no" / "init.yaml")
