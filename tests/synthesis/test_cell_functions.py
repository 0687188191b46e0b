"""Functions of cells against Python's own operators, on all values of their pins."""

from itertools import product

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis.cell_functions import parse_function


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("!(A1 & A2)", "not (A1 and A2)"),
        ("(!A) | (!B)", "(not A) or (not B)"),
        ("(A*B)'", "not (A and B)"),
        ("A B + C'", "(A and B) or (not C)"),
        ("A ^ B & C", "(A != B) and C"),
        ("A | B ^ C", "A or (B != C)"),
        ("!A ^ B'", "(not A) != (not B)"),
        ("((S & B) | (!S & A))", "B if S else A"),
        ("!(!(A1 | A2) | (B1 B2))", "(A1 or A2) and not (B1 and B2)"),
        ("A 1", "A"),
        ("A + 0", "A"),
        ("A''", "A"),
    ],
)
def test_every_value_is_pythons(text: str, python: str) -> None:
    function = parse_function(text)
    names = sorted(function.pins())
    for values in product([False, True], repeat=len(names)):
        given = dict(zip(names, values, strict=True))
        words = {name: np.array([2**64 - 1 if value else 0], np.uint64) for name, value in given.items()}
        expected = eval(python, {}, given)  # noqa: S307 - the texts stand above
        assert function.of(words)[0] == (2**64 - 1 if expected else 0), given


@pytest.mark.parametrize("text", ["", "A &", "(A", "A)", "A $ B", "& A", "!", "A ? B : C"])
def test_what_is_no_function_is_refused(text: str) -> None:
    with pytest.raises(QcompressError, match="function"):
        parse_function(text)
