"""The page: long tables are folded, numbers and their headings stand on the right."""

from qcompress.detectors import Results, Table
from qcompress.report.html import LONG, merged, results_page


def page(rows):
    return results_page("title", "lead", Results((Table("t", ("name", "value"), tuple(rows)),), {}))


def test_only_long_tables_are_folded():
    rows = [("a", 1.0)] * LONG
    assert "<details>" not in page(rows)
    folded = page([*rows, ("b", 2.0)])
    assert f"<summary>{LONG + 1} rows</summary>" in folded
    assert folded.count("<tr>") == LONG + 2


def test_a_column_of_numbers_stands_on_the_right_with_its_heading_and_what_is_unknown():
    found = page([("a", 1.0), ("b", None)])
    assert '<th>name</th><th class="number">value</th>' in found
    assert '<td>b</td><td class="number">-</td>' in found
    assert "<th>value</th>" in page([("a", None)])
    assert "<th>value</th>" in page([])


def test_rows_that_differ_in_their_name_alone_are_one():
    table = Table("t", ("a", "b", "c", "d"), (("x", 1, 2, 3), ("y", 1, 2, 4), ("z", 1, 2, 3)))
    assert merged(table).rows == (("x = z", 1, 2, 3), ("y", 1, 2, 4))
    short = Table("t", ("a", "b"), (("x", 1), ("z", 1)))
    assert merged(short) is short


def test_a_figure_has_its_caption():
    from matplotlib.figure import Figure

    found = results_page("title", "lead", Results((), {}, {"emd": Figure((1, 1))}, captions={"emd": "bars: 68 % <of>"}))
    assert "<figcaption>bars: 68 % &lt;of&gt;</figcaption>" in found
