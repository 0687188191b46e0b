"""Functions of cells as liberty files write them, evaluated on words of bits.

Operators, from the tightest: ! and a ' behind, ^, & * or a blank, | +. The constants are 0 and 1.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_, xor
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError

Words = npt.NDArray[np.uint64]
MEANING: Mapping[str, Callable[[Words, Words], Words]] = {"&": and_, "|": or_, "^": xor}
TOKEN = re.compile(r"\s*([A-Za-z_]\w*|[01]|[!'^&*|+()])")


@dataclass(frozen=True)
class Function:
    """A node: operator "!", "&", "|", "^", "pin" or "constant", and what it is of."""

    operator: str
    operands: tuple[Any, ...]

    def pins(self) -> set[str]:
        """Names of the pins that it depends on."""
        if self.operator == "pin":
            return {self.operands[0]}
        return set().union(*(operand.pins() for operand in self.operands if isinstance(operand, Function)))

    def of(self, pins: Mapping[str, Words]) -> Words:
        """Its value for words of bits, by pin."""
        if self.operator == "pin":
            return pins[self.operands[0]]
        if self.operator == "constant":
            shape = next(iter(pins.values())).shape if pins else (1,)
            return np.full(shape, np.uint64(2**64 - 1) if self.operands[0] else np.uint64(0))
        values: list[Words] = [operand.of(pins) for operand in self.operands]
        if self.operator == "!":
            return ~values[0]
        return reduce(MEANING[self.operator], values)


def parse_function(text: str) -> Function:
    """The function of text; raises QcompressError if it is none."""
    tokens, place = [], 0
    while place < len(text.rstrip()):
        found = TOKEN.match(text, place)
        if found is None:
            raise QcompressError(f"function {text!r}: not understood at {text[place:]!r}")
        tokens.append(found[1])
        place = found.end()
    parser = _Parser(text, tokens)
    result = parser.any_of()
    if parser.tokens:
        raise parser.fault()
    return result


class _Parser:
    def __init__(self, text: str, tokens: list[str]) -> None:
        self.text, self.tokens = text, tokens

    def fault(self) -> QcompressError:
        return QcompressError(f"function {self.text!r}: not understood at {' '.join(self.tokens)!r}")

    def any_of(self) -> Function:
        found = [self.all_of()]
        while self.tokens and self.tokens[0] in "|+":
            self.tokens.pop(0)
            found.append(self.all_of())
        return found[0] if len(found) == 1 else Function("|", tuple(found))

    def all_of(self) -> Function:
        found = [self.odd_of()]
        while self.tokens and self.tokens[0] not in "|+)":
            if self.tokens[0] in "&*":
                self.tokens.pop(0)
            found.append(self.odd_of())
        return found[0] if len(found) == 1 else Function("&", tuple(found))

    def odd_of(self) -> Function:
        found = [self.factor()]
        while self.tokens and self.tokens[0] == "^":
            self.tokens.pop(0)
            found.append(self.factor())
        return found[0] if len(found) == 1 else Function("^", tuple(found))

    def factor(self) -> Function:
        if not self.tokens:
            raise QcompressError(f"function {self.text!r}: it ends early")
        word = self.tokens.pop(0)
        if word == "!":
            found = Function("!", (self.factor(),))
        elif word == "(":
            found = self.any_of()
            if not self.tokens or self.tokens.pop(0) != ")":
                raise QcompressError(f"function {self.text!r}: a parenthesis is not closed")
        elif word in "01":
            found = Function("constant", (word == "1",))
        elif word[0].isalpha() or word[0] == "_":
            found = Function("pin", (word,))
        else:
            self.tokens.insert(0, word)
            raise self.fault()
        while self.tokens and self.tokens[0] == "'":
            self.tokens.pop(0)
            found = Function("!", (found,))
        return found
