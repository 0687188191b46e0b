"""A chain of stages in C++: one header that computes what the stages compute, one behind the other."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Codes, Format
from qcompress.graph import Chain, Dense, Graph, Node, Quantize
from qcompress.graph.stage import Shape
from qcompress.targets.cpp.emit import namespace
from qcompress.targets.cpp.emulator import ALL_STAGES, Cpp
from qcompress.verification import standard_inputs, verify

QUICK = Cpp(optimization="1")
BYTE, NARROW, BIT = Format(False, 8, 8), Format(True, 6, 2), Format(False, 1, 1)


@dataclass(frozen=True)
class Parity:
    """Codes (n, 2) -> (n, 1): 1 where their sum is odd."""

    name: str = "parity"
    input_shape: Shape = (2,)
    input_format: Format = NARROW
    output_shape: Shape = (1,)
    output_format: Format = BIT
    wrong: int = 0

    def run(self, codes: Codes) -> Codes:
        return codes.sum(axis=1, keepdims=True) & 1

    def content_hash(self) -> str:
        return f"parity {self.wrong}"

    def cpp(self) -> tuple[str, ...]:
        return (f"out[0] = ((in[0] + in[1]) & 1) ^ {self.wrong};",)


def network(name: str = "network") -> Graph:
    dense = Dense(np.array([[3, 1], [-5, 2], [7, -8]]), NARROW, np.array([1, 0]), NARROW, Format(True, 18, 8))
    nodes = (Node("dense", dense, "input"), Node("out", Quantize(Cast(NARROW)), "dense"))
    return Graph(name, (3,), NARROW, nodes)


def fold(name: str = "fold") -> Graph:
    return Graph(name, (3,), BYTE, (Node("cast", Quantize(Cast(NARROW)), "input"),))


def chain(wrong: int = 0) -> Chain:
    return Chain("firmware", (fold(), network(), Parity(wrong=wrong)))


def test_a_chain_is_its_stages_one_behind_the_other() -> None:
    codes = np.arange(60).reshape(20, 3)
    first, second = fold().run(codes), network().run(fold().run(codes))
    found = chain().trace(codes)
    assert list(found) == ["fold", "network", "parity"]
    assert np.array_equal(found["fold"], first)
    assert np.array_equal(found["network"], second)
    assert np.array_equal(chain().run(codes), second.sum(axis=1, keepdims=True) & 1)
    assert np.array_equal(chain().upto("network").run(codes), second)
    assert chain().content_hash() != chain(1).content_hash() != chain().upto("network").content_hash()
    assert chain().input_codes([[3.0, 4.0, 255.0]]).tolist() == [[3, 4, 255]]


def test_chains_that_make_no_sense_are_faults() -> None:
    with pytest.raises(QcompressError, match="chain c has no stage"):
        Chain("c", ())
    with pytest.raises(QcompressError, match=r"chain c: parity takes \(2,\) codes of fixed<6,2>, fold gives \(3,\)"):
        Chain("c", (fold(), Parity()))
    with pytest.raises(QcompressError, match=r"takes .* fixed<6,2>, parity gives .* of ufixed<1,1>"):
        Chain("c", (Parity(), Parity(name="again")))
    with pytest.raises(QcompressError, match="two of its stages have the same name"):
        Chain("c", (fold("same"), network("same")))


@pytest.mark.parametrize("stages", [chain(), Chain("alone", (Parity(),))], ids=lambda stages: stages.name)
def test_the_header_computes_what_the_stages_compute(stages: Chain, tmp_path: Path) -> None:
    body = QUICK.build(stages, tmp_path)
    found = verify(stages, [body], standard_inputs(stages, 333, 1))
    assert [(one.body, one.mismatches) for one in found] == [(ALL_STAGES, 0)] * 5
    assert sum(one.codes for one in found) == 333 * 3 + 3
    again = QUICK.open(stages, tmp_path)
    values = stages.input_format.to_values(standard_inputs(stages, 10, 2)["random"].all())
    assert np.array_equal(again.predict(values), stages.output_format.to_values(stages.run(stages.input_codes(values))))


def test_the_self_test_and_the_plug_in_need_no_python(tmp_path: Path) -> None:
    QUICK.build(chain(), tmp_path)
    build = ["g++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Wno-psabi", "-Werror"]
    subprocess.run([*build, "selftest.cpp", "-o", "selftest"], cwd=tmp_path, check=True)
    done = subprocess.run(["./selftest"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "64 rows, 0 wrong codes\n"
    subprocess.run([*build, "-fPIC", "-shared", "plugin.cpp", "-o", "plugin.so"], cwd=tmp_path, check=True)
    header = (tmp_path / "firmware.h").read_text()
    assert "#include <" in header
    assert '#include "' not in header
    assert f"namespace {namespace(chain())} {{" in header
    assert header.splitlines()[0].startswith("// firmware: made by qcompress ")
    assert header.splitlines()[0].endswith(f", chain {chain().content_hash()}")
    assert "// network: (3,) codes of fixed<6,2> -> (2,) codes of fixed<6,2>" in header.splitlines()


def test_a_stage_that_differs_is_named(tmp_path: Path) -> None:
    """A body whose last stage is another one; the chain's beginnings are equal."""
    body = QUICK.build(chain(1), tmp_path / "wrong")
    rebuilt = {ALL_STAGES: lambda part: QUICK.build(part, tmp_path / str(len(part.stages)))}
    codes = {"some": np.arange(30).reshape(10, 3)}
    (found,) = verify(chain(), [body], codes, rebuilt)
    assert found.mismatches == 10
    assert str(found.first).startswith("row 0, layer parity, element (0,): cpp, all stages ")


def test_a_stage_without_c_plus_plus_is_refused_by_name(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Mute:
        name: str = "mute"
        input_shape: Shape = (2,)
        input_format: Format = NARROW
        output_shape: Shape = (2,)
        output_format: Format = NARROW

        def run(self, codes: Codes) -> Codes:
            return codes

    with pytest.raises(Refused, match="stage mute of c has no C"):
        QUICK.build(Chain("c", (network(), Mute())), tmp_path)
