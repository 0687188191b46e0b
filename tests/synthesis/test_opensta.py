"""OpenSTA through a stand-in that keeps what it is told: no timer of its own is at hand in the tests."""

import stat
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis.opensta import longest_path
from qcompress.synthesis.yosys import Limits

STAND_IN = """#!/bin/sh
[ "$1" = -exit ] || exit 4
cp "$2" told
{answer}
"""


def stand_in(folder: Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "sta").write_text(STAND_IN.format(answer=answer))
    (folder / "sta").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_path_is_the_period_less_the_slack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in ("worst slack 996.75", "worst slack max 996.75"):
        stand_in(tmp_path / "bin", f"echo '{line}'", monkeypatch)
        path, said = longest_path(tmp_path / "cells.lib", "top", tmp_path, Limits())
        assert (path, said) == (pytest.approx(3.25), "longest path: OpenSTA's, wires left out")
    told = (tmp_path / "told").read_text().splitlines()
    assert told[:3] == ["read_liberty cells.lib", "read_verilog netlist.v", "link_design top"]
    assert "create_clock -name clk -period 1000 [get_ports clk]" in told
    assert told[-1] == "exit"


def test_a_fault_names_the_log_and_no_program_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for answer, said in (
        ("exit 3", r"OpenSTA: top failed \(exit status 3\): see .*sta\.log"),
        ("true", "no worst slack"),
    ):
        stand_in(tmp_path / "bin", answer, monkeypatch)
        with pytest.raises(QcompressError, match=said):
            longest_path(tmp_path / "cells.lib", "top", tmp_path, Limits())
    monkeypatch.setenv("PATH", "/nowhere")
    assert longest_path(tmp_path / "cells.lib", "top", tmp_path, Limits()) == (None, "")
