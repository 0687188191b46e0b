"""Tables on a terminal come in blocks of columns, in a file they do not."""

import io
import re

import pytest
from rich.console import Console

from qcompress.detectors import Table
from qcompress.report.tables import cell
from qcompress.report.terminal import print_tables, print_verdict
from qcompress.report.verdict import BAD, GOOD, OPEN, Line

WIDE = Table(
    "Wide",
    ("algorithm", *(f"quantity {k}" for k in range(20))),
    (("all trigger cells (repeater)", *range(20)),),
    "a note " * 40,
)


NUMBERS = Table(
    "Numbers",
    ("candidate", *(f"quantity number {k} [cycles]" for k in range(9)), "origin"),
    (("econt_w6_f16_l3_folded16", *(1234567.0 * 10**k for k in range(8)), None, "mapped: LUT, FF; built: cycles"),),
)


def printed(table=WIDE, width=120, **console):
    file = io.StringIO()
    print_tables([table], Console(file=file, width=width, **console))
    return re.sub("\x1b\\[[0-9]*m", "", file.getvalue()).splitlines()


def test_a_file_gets_every_row_on_one_line_and_notes_stay_narrow():
    lines = printed()
    (row,) = [line for line in lines if "all trigger cells (repeater)" in line]
    assert [part.strip() for part in row.split("│")[2:-1]] == [str(k) for k in range(20)]
    assert all(len(line) <= 120 for line in lines if "a note" in line)


def test_a_terminal_gets_columns_in_blocks_and_names_in_each():
    lines = printed(force_terminal=True, no_color=True)
    names = [line for line in lines if "all trigger" in line]
    assert len(names) > 1
    shown = [part.strip() for line in names for part in line.split("│")[2:-1]]
    assert [int(part) for part in shown] == list(range(20))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_terminal_breaks_no_number(width):
    lines = printed(NUMBERS, width, force_terminal=True, no_color=True)
    assert all(len(line) <= width for line in lines)
    words = " ".join(lines).replace("│", " ").split()
    for value in NUMBERS.rows[0][1:9]:
        assert cell(value) in words


def test_a_verdict_says_what_holds_and_what_fails():
    file = io.StringIO()
    lines = [Line("bits", "0 of 9 codes differ", GOOD), Line("LUT [rtl]", "no", BAD), Line("mean EMD", "2.003", OPEN)]
    print_verdict(lines, Console(file=file, width=100))
    said = "\nVerdict\nholds: bits: 0 of 9 codes differ\nfails: LUT [rtl]: no\nmean EMD: 2.003\n"
    assert file.getvalue() == said
