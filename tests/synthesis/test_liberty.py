"""Liberty files: what is written is read, units are taken, damage is one line."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.cells import LIBRARY

from qcompress.errors import QcompressError, Refused
from qcompress.synthesis.liberty import Library, Table, parse, read_liberty


def test_a_library_is_read_packed_or_not(tmp_path: Path) -> None:
    (tmp_path / "small.lib").write_text(LIBRARY)
    (tmp_path / "small.lib.gz").write_bytes(gzip.compress(LIBRARY.encode()))
    for name in ("small.lib", "small.lib.gz"):
        library = read_liberty(tmp_path / name)
        assert list(library.cells) == ["INV", "NAND2", "XOR2", "DFF", "EDFF"]
        assert (library.voltage, library.farads, library.joules, library.watts) == (2.0, 1e-15, 1e-15, 1e-9)
        (clocked,) = library.cells["DFF"].all("ff")
        assert clocked.attributes == {"clocked_on": "CK", "next_state": "D"}


@pytest.mark.parametrize(
    ("name", "nand", "area", "leakage", "voltage"),
    [
        ("sky130hd_tt", "sky130_fd_sc_hd__nand2_1", 3.7536, r"cell_leakage_power : ([\d.]+)", 1.8),
        ("nangate45_typ", "NAND2_X1", 0.798, r"cell_leakage_power\s*:\s*([\d.]+)", 1.1),
    ],
)
def test_public_libraries_are_read(
    name: str, nand: str, area: float, leakage: str, voltage: float, data_file: Callable[[str], Path]
) -> None:
    """Every cell that stands in the file; figures of one looked up in its text."""
    path = data_file(f"liberty/{name}.lib.gz")
    text = gzip.decompress(path.read_bytes()).decode()
    library = read_liberty(path)
    found = re.findall(r'^\s*cell\s*\(\s*"?(\w+)"?\s*\)', text, re.MULTILINE)
    assert list(library.cells) == found
    own = text[re.search(rf'cell\s*\("?{nand}"?\)', text).start() :]  # type: ignore[union-attr]
    assert library.cells[nand].number("area") == area
    assert library.cells[nand].number("cell_leakage_power") == float(re.search(leakage, own)[1])  # type: ignore[index]
    assert library.voltage == voltage
    pin = next(pin for pin in library.cells[nand].all("pin") if "function" in pin.attributes)
    power = next(group for arc in pin.all("internal_power") for group in arc.groups if group.kind == "rise_power")
    table = library.table(power)
    output = own[own.index("function") :]
    written = re.search(r'rise_power[^{]*\{.*?values\s*\(\s*"\s*([-\d.e]+)', output, re.DOTALL)
    assert written
    assert table.at(table.slews[0], table.loads[:1])[0] == float(written[1])


def test_tables_are_linear_between_and_beyond_their_points() -> None:
    slews, loads = np.array([0.0, 2.0]), np.array([1.0, 3.0, 4.0])
    table = Table(slews, loads, 10 * slews[:, None] + 7 * loads)
    for slew in (-1.0, 0.5, 2.0, 5.0):
        np.testing.assert_allclose(
            table.at(slew, np.array([0.0, 2.0, 4.0, 9.0])), 10 * slew + 7 * np.array([0, 2, 4, 9])
        )


def test_a_table_by_load_first_is_turned() -> None:
    library = Library("small", parse(LIBRARY))
    output = next(pin for pin in library.cells["NAND2"].all("pin") if pin.name == "Y")
    table = library.table(output.groups[0].groups[0])
    assert table.at(0.3, np.array([5.0]))[0] == 3.0


def test_damage_is_one_line_that_says_where(tmp_path: Path) -> None:
    path = tmp_path / "a.lib"
    for text, said in (
        ("module a; endmodule", r"a\.lib: no liberty file"),
        (LIBRARY[:700], r"a\.lib: a liberty file that is cut off"),
        ("library (a) {\n  cell (b) {\n  ? }\n}", r"a\.lib: line 3: not understood as liberty"),
        ("library (a) { } library (b) { }", r"a\.lib: no group library"),
    ):
        path.write_text(text)
        with pytest.raises(QcompressError, match=said):
            read_liberty(path)
    path.write_bytes(gzip.compress(LIBRARY.encode())[:-20])
    with pytest.raises(QcompressError, match=r"a\.lib: cannot be unpacked"):
        read_liberty(path)
    with pytest.raises(QcompressError, match=r"absent\.lib: cannot be read"):
        read_liberty(tmp_path / "absent.lib")
    short = LIBRARY.replace("capacitive_load_unit (1, ff);", "").replace("nom_voltage : 2.0;", "")
    short = short.replace('"1nW"', '"1 horse"').replace('values ("2, 2", "4, 4")', 'values ("2, 2")')
    library = Library("a.lib", parse(short))
    for figure, said in (("voltage", "no voltage"), ("farads", "no capacitive_load_unit"), ("watts", "1 horse")):
        with pytest.raises(Refused, match=said):
            getattr(library, figure)
    output = next(pin for pin in library.cells["NAND2"].all("pin") if pin.name == "Y")
    with pytest.raises(QcompressError, match="values do not fit its indices"):
        library.table(output.groups[0].groups[0])
