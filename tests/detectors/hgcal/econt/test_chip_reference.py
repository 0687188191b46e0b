"""Every public reference vector, every row, every link word: by the package and by the plain twin."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import econt_twin as twin

from qcompress.detectors.hgcal.econt.chip import run_file
from qcompress.detectors.hgcal.econt.registers import Algorithm, read_registers

CASES = (
    "mcDataset/RPT_13eTx",
    "mcDataset/TS_Thr47_13eTx",
    "mcDataset/TS_Thr47_5eTx_MRL",
    "mcDataset/TS_Thr47_2eTx_MRL",
    "mcDataset/BC_1eTx",
    "mcDataset/BC_1eTx_FullSum",
    "mcDataset/BC_5eTx",
    "mcDataset/BC_10eTx",
    "mcDataset/STC_type0_eTx2",
    "mcDataset/STC_type0_eTx5",
    "mcDataset/STC_type1_eTx1",
    "mcDataset/STC_type3_eTx3",
    "mcDataset/AE_8x8_c8_S2_ele_qkeras",
    "randomPatternExpInTC/BC_5eTx",
    "randomPatternExpInTC/TS",
    "counterPatternInTC/RPT",
)
ROWS = 3564
TWIN_ROWS = 300


def test_no_case_is_left_out(data_file: Callable[[str], Path]) -> None:
    assert set(json.loads(data_file("econt/manifest.json").read_text())["cases"]) == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_all_rows_of_the_chip(case: str, data_file: Callable[[str], Path], tmp_path: Path) -> None:
    expected = json.loads(data_file("econt/manifest.json").read_text())["cases"][case]
    folder = data_file(f"econt/{case}")
    registers = read_registers(folder / "init.yaml")
    assert registers.algorithm is Algorithm[expected["algorithm"].upper()]
    assert registers.front_end.tc_order == expected["tc_order"]
    assert registers.links in (expected["etx"], None)
    out = tmp_path / "out.csv"
    assert run_file(folder / "init.yaml", folder.parent / "testInput.csv", out, etx=expected["etx"]) == ROWS
    mine, theirs = (path.read_text().splitlines() for path in (out, folder / "testOutput.csv"))
    assert mine[0] == theirs[0]
    assert len(mine) == len(theirs) == ROWS + 1
    assert [row for row in range(1, ROWS + 1) if mine[row] != theirs[row]] == []


@pytest.mark.parametrize("case", CASES)
def test_first_rows_of_the_twin(case: str, data_file: Callable[[str], Path]) -> None:
    """The twin stands in where no vector reaches, so it has to meet them itself."""
    etx = json.loads(data_file("econt/manifest.json").read_text())["cases"][case]["etx"]
    folder = data_file(f"econt/{case}")
    registers, order, _ = twin.registers_from_yaml((folder / "init.yaml").read_text())
    codes, bxs = twin.words_from_csv((folder.parent / "testInput.csv").read_text(), order)
    rows = 20 if registers["select"] == 4 else TWIN_ROWS
    words = twin.run(registers, codes[:rows], bxs[:rows], etx)
    lines = (folder / "testOutput.csv").read_text().splitlines()[1 : rows + 1]
    assert [",".join(f"{word:08x}" for word in row) for row in words] == lines
