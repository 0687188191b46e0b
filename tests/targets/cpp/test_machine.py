"""Which libraries a processor runs, told from its flags."""

import subprocess

import pytest

from qcompress.targets.cpp import machine

V2 = frozenset(["sse2", "cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"])
V3 = V2 | frozenset(["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"])
V4 = V3 | frozenset(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])
NAMES = ("x86-64-v4", "x86-64-v3", "x86-64-v2", "x86-64")


@pytest.mark.parametrize(
    ("flags", "first"),
    [(V4, 0), (V4 - {"avx512vl"}, 1), (V3, 1), (V4 - {"bmi2"}, 2), (V2, 2), (V4 - {"ssse3"}, 3), (frozenset(), 3)],
)
def test_a_level_needs_all_levels_below_it(flags: frozenset[str], first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "flags", lambda: flags)
    monkeypatch.setattr(machine, "is_x86", lambda: True)
    assert machine.levels() == NAMES[first:]
    monkeypatch.setattr(machine, "is_x86", lambda: False)
    assert machine.levels() == ()


@pytest.mark.skipif(not machine.is_x86(), reason="levels are those of x86-64")
def test_the_compiler_s_native_code_is_of_no_higher_level_than_told() -> None:
    """What g++ knows of this processor, by its own macros."""
    told = subprocess.run(
        ["g++", "-march=native", "-dM", "-E", "-x", "c++", "/dev/null"], capture_output=True, text=True, check=True
    ).stdout
    for level, macro in (("x86-64-v4", "__AVX512BW__"), ("x86-64-v3", "__AVX2__"), ("x86-64-v2", "__SSE4_2__")):
        assert (level in machine.levels()) == (f"#define {macro} 1" in told)


def test_processors_that_differ_have_names_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine.processor()
    assert here == machine.processor()
    monkeypatch.setattr(machine, "flags", lambda: frozenset({"none"}))
    assert machine.processor() != here
