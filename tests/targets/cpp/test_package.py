"""Makefile, spec and toolfile: names and versions, what is refused, and a network exported from a candidate."""

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers.plugins import extras, make, written

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Node, Relu
from qcompress.targets.cpp.compiled import RECORD
from qcompress.targets.cpp.package import export, package
from qcompress.targets.cpp.selftest import selftest
from qcompress.targets.record import write_record

FORMAT = Format(True, 6, 2)


def graph(name: str = "trigger") -> Graph:
    return Graph(name, (3,), FORMAT, (Node("relu", Relu(), "input"),))


def test_files_are_called_as_the_model_and_its_version() -> None:
    texts = package(graph(), "GTADModel", "2p1")
    assert list(texts) == ["Makefile", "GTADModel.spec", "gtadmodel.xml"]
    assert re.findall(r"^(?:NAME|VERSION) := .*$", texts["Makefile"], re.MULTILINE) == [
        "NAME := GTADModel",
        "VERSION := 2p1",
    ]
    assert texts["GTADModel.spec"].startswith("### RPM external GTADModel 2.1.0\n")
    tool = ElementTree.fromstring(texts["gtadmodel.xml"])  # noqa: S314 - our own text
    assert tool.attrib == {"name": "gtadmodel", "version": "@TOOL_VERSION@", "revision": "1"}
    assert [each.attrib for each in tool.iter("environment")] == [
        {"name": "GTADMODEL_BASE", "default": "@TOOL_ROOT@"},
        {"name": "LIBDIR", "default": "$GTADMODEL_BASE/lib64"},
    ]
    assert list(package(graph("3 jets"))) == ["Makefile", "model_3_jets.spec", "model_3_jets.xml"]


@pytest.mark.parametrize("wrong", [("a b", "1"), ("9a", "1"), ("../a", "1"), ("a", "v1"), ("a", "1.0"), ("a", "")])
def test_what_no_library_is_called_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(QcompressError, match="of a plug-in: letters, digits and underscores"):
        package(graph(), *wrong)


def test_an_exported_plug_in_is_checked_installed_and_not_replaced(tmp_path: Path) -> None:
    built = written(graph(), tmp_path / "cpp")
    text, codes = selftest(graph())
    assert codes is None
    with pytest.raises(QcompressError, match="no finished build"):
        export(graph(), built, tmp_path, "Tau", "2")
    write_record(built / RECORD, graph(), {"header": ""})
    with pytest.raises(
        QcompressError, match=r"trigger\.h: missing or of an older version; compile the candidate again"
    ):
        export(graph(), built, tmp_path, "Tau", "2")
    write_record(built / RECORD, graph(), {"sources": dict.fromkeys(("trigger.h", "plugin.cpp", "selftest.cpp"), "")})
    with pytest.raises(QcompressError, match=r"selftest\.cpp: missing or of an older version"):
        export(graph(), built, tmp_path, "Tau", "2")
    (built / "selftest.cpp").write_text(text)
    made = export(graph(), built, tmp_path, "Tau", "2")
    assert made == tmp_path / "Tau_v2"
    place = tmp_path / "installed"
    make(made, f"EMULATOR_EXTRAS={extras(tmp_path)}", f"PREFIX={place}", goals=("install",))
    assert [str(path.relative_to(place)) for path in sorted(place.rglob("*")) if path.is_file()] == [
        "lib64/Tau_v2.so",
        "tau.scram.xml",
    ]
    tool = ElementTree.parse(place / "tau.scram.xml").getroot()  # noqa: S314 - our own text
    assert tool.attrib["version"] == "2"
    assert next(tool.iter("environment")).attrib["default"] == str(place)
    checked = subprocess.run(["make", "-s", "check"], cwd=made, capture_output=True, text=True, check=True)
    assert checked.stdout == "64 rows, 0 wrong codes\n"
    with pytest.raises(QcompressError, match="Tau_v2: exists; give another version, or remove it"):
        export(graph(), built, tmp_path, "Tau", "2")


@pytest.mark.parametrize(("variable", "file"), [("EMULATOR_EXTRAS", "hls4ml/emulator.h"), ("HLS_ROOT", "ap_fixed.h")])
def test_a_folder_without_what_it_was_given_for_is_a_fault(variable: str, file: str, tmp_path: Path) -> None:
    built = written(graph(), tmp_path / "cpp")
    done = subprocess.run(["make", "-n", f"{variable}=none"], cwd=built, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{variable}=none has no include/{file}" in done.stderr
