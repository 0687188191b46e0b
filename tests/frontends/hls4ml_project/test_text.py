"""C++ as text."""

import pytest

from qcompress.errors import QcompressError
from qcompress.frontends.hls4ml_project.text import Arithmetic, arguments, end_of, preprocessed, without_comments


def value(text, **names):
    return Arithmetic(text, lambda name: names[name]).value()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 + 4 * 2", 11),
        ("(3 + 4) * 2", 14),
        ("DIV_ROUNDUP(n * 5, 4) - 1", 8),
        ("MIN(n, 3) + MAX(n, 9)", 12),
        ("n / 2 * 2", 6),
        ("-1", -1),
        ("10 % 4", 2),
        ("0.25f", 0.25),
        ("1e-3", 0.001),
        ("12U", 12),
    ],
)
def test_arithmetic_of_constants(text, expected):
    assert value(text, n=7) == expected


@pytest.mark.parametrize("text", ["", "3 +", "(3", "3 4", "1 / 0", "f(3)", '3 + "a"', "DIV_ROUNDUP(3)"])
def test_what_is_no_arithmetic_is_one_line(text):
    with pytest.raises(QcompressError, match=r"^constant '.*' cannot be read$"):
        Arithmetic(text, lambda name: name).value()


def test_comments_go_but_the_name_of_a_layer_stays():
    text = "a(); // fc1\nb(); /* x */ // two words\n// c();\n"
    assert [line.strip() for line in without_comments(text).splitlines()] == ["a();@fc1@", "b();", ""]


def test_conditional_parts_are_those_of_a_compiler_without_macros():
    text = (
        "#ifndef A\n1\n#else\n2\n#endif\n#define B 3 * 4\n#ifdef B\n5\n#endif\n#if 0\n6\n#elif defined(B)\n7\n#endif\n"
    )
    kept, macros = preprocessed(text)
    assert (kept.split(), macros) == (["1", "5", "7"], {"B": "3 * 4"})


def test_a_condition_that_cannot_be_read_is_one_line():
    with pytest.raises(QcompressError, match=r"^#if A > 3: cannot be read"):
        preprocessed("#if A > 3\n#endif\n")


def test_brackets_and_arguments():
    text = "f<a<1, 2>, b>(x, {y, z})"
    assert end_of(text, 1) == text.index(">(")
    assert arguments("a<1, 2>, b, {y, z}") == ["a<1, 2>", "b", "{y, z}"]
    with pytest.raises(QcompressError, match=r"is not closed at '\(x, y'; the file is cut off"):
        end_of("f(x, y", 1)
