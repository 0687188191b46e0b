"""Tables on a terminal fold, in a file they do not."""

import io

from rich.console import Console

from qcompress.detectors import Table
from qcompress.report.terminal import print_tables

WIDE = Table(
    "Wide",
    ("algorithm", *(f"quantity {k}" for k in range(20))),
    (("all trigger cells (repeater)", *range(20)),),
    "a note " * 40,
)


def printed(**console):
    file = io.StringIO()
    print_tables([WIDE], Console(file=file, width=120, **console))
    return file.getvalue().splitlines()


def test_a_file_gets_every_row_on_one_line_and_notes_stay_narrow():
    lines = printed()
    (row,) = [line for line in lines if "all trigger cells (repeater)" in line]
    assert [part.strip() for part in row.split("│")[2:-1]] == [str(k) for k in range(20)]
    assert all(len(line) <= 120 for line in lines if "a note" in line)


def test_a_terminal_folds_but_names_stay_readable():
    lines = printed(force_terminal=True, no_color=True)
    assert any("all trigger" in line for line in lines)
    assert not any("all trigger cells (repeater)" in line for line in lines)
