"""C++ as text: comments and conditional parts taken out, brackets matched, whole numbers computed. Nothing is run."""

import re
from collections.abc import Callable

from qcompress.errors import QcompressError

Number = int | float | str
"""A constant: a number, or the name of an enumerator."""

PAIRS = {"(": ")", "{": "}", "[": "]", "<": ">"}


def without_comments(text: str) -> str:
    """text without comments; a name alone in one behind a statement names a layer and stays as `;@name@`."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r";[ \t]*//[ \t]*(\w+)[ \t]*$", r";@\1@", text, flags=re.MULTILINE)
    return re.sub(r"//[^\n]*", "", text)


def preprocessed(text: str) -> tuple[str, dict[str, str]]:
    """What a compiler that knows no macros sees of text, comments included, and the macros that it then knows.

    Raises QcompressError for a condition that cannot be read.
    """
    kept: list[str] = []
    macros: dict[str, str] = {}
    taken: list[bool] = []
    for line in text.replace("\\\n", " ").splitlines():
        directive = re.match(r"\s*#\s*(\w+)\s*(.*)", line)
        if directive is None:
            if all(taken):
                kept.append(line)
            continue
        word, rest = directive[1], re.sub(r"//.*|/\*.*?\*/", "", directive[2]).strip()
        if word in ("ifdef", "ifndef"):
            taken.append((rest in macros) == (word == "ifdef"))
        elif word == "if":
            taken.append(_condition(rest, macros))
        elif word == "elif" and taken:
            taken[-1] = not taken[-1] and _condition(rest, macros)
        elif word == "else" and taken:
            taken[-1] = not taken[-1]
        elif word == "endif" and taken:
            taken.pop()
        elif word == "define" and all(taken):
            name, _, value = rest.partition(" ")
            macros[name] = value.strip()
    return "\n".join(kept), macros


def _condition(text: str, macros: dict[str, str]) -> bool:
    defined = re.fullmatch(r"(!?)\s*defined\s*\(?\s*(\w+)\s*\)?", text)
    if defined:
        return (defined[2] in macros) != bool(defined[1])
    if text in ("0", "1"):
        return text == "1"
    raise QcompressError(f"#if {text}: cannot be read; keep the part that is compiled, without the condition")


def end_of(text: str, start: int) -> int:
    """The place of the bracket that closes the one at start; raises QcompressError if there is none."""
    opening = text[start]
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == opening) - (text[place] == PAIRS[opening])
        if depth == 0:
            return place
    line = text[start : start + 40].split("\n", 1)[0]
    raise QcompressError(f"{opening!r} is not closed at {line!r}; the file is cut off")


def arguments(text: str) -> list[str]:
    """The parts of text between commas that stand in no brackets, without blanks around them."""
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character in "(<[{") - (character in ")>]}")
        if character == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    last = text[start:].strip()
    return [*parts, last] if last or parts else []


_TOKEN = re.compile(r"\s*(?:(\d+\.\d*(?:[eE][-+]?\d+)?[fF]?|\.\d+|\d+[eE][-+]?\d+|\d+)[uUlL]*|([A-Za-z_][\w:]*)|(\S))")
FUNCTIONS: dict[str, Callable[[int, int], int]] = {
    "DIV_ROUNDUP": lambda a, b: -(-a // b),
    "MIN": min,
    "MAX": max,
}


class Arithmetic:
    """Sums, products and macros of constants, as `DIV_ROUNDUP(n_in * n_out, 4)`; names: finds the value of a name.

    Whole numbers are divided as C++ does, for they are not negative here.
    """

    def __init__(self, text: str, names: Callable[[str], Number]) -> None:
        self._text, self._names = text, names
        self._tokens = _TOKEN.findall(text)
        self._place = 0

    def value(self) -> Number:
        """The value of the whole text; raises QcompressError."""
        try:
            found = self._sum()
        except (IndexError, TypeError, ZeroDivisionError, ValueError):
            found, self._place = 0, -1
        if self._place != len(self._tokens):
            raise QcompressError(f"constant {self._text.strip()!r} cannot be read")
        return found

    def _peek(self) -> str:
        return self._tokens[self._place][2] if self._place < len(self._tokens) else ""

    def _sum(self) -> Number:
        found = self._product()
        while self._peek() in ("+", "-") and self._peek():
            sign = 1 if self._peek() == "+" else -1
            self._place += 1
            found = found + sign * self._product()  # type: ignore[operator]
        return found

    def _product(self) -> Number:
        found = self._factor()
        while self._peek() in ("*", "/", "%") and self._peek():
            operator = self._peek()
            self._place += 1
            other = self._factor()
            if operator == "*":
                found = found * other  # type: ignore[operator]
            elif operator == "%":
                found = found % other  # type: ignore[operator]
            else:
                whole = isinstance(found, int) and isinstance(other, int)
                found = found // other if whole else found / other  # type: ignore[operator]
        return found

    def _factor(self) -> Number:
        number, name, mark = self._tokens[self._place]
        self._place += 1
        if number:
            text = number.rstrip("fF")
            return int(text) if text.isdigit() else float(text)
        if mark == "-":
            return -self._factor()  # type: ignore[operator]
        if mark == "(":
            found = self._sum()
            self._expect(")")
            return found
        if name in FUNCTIONS:
            self._expect("(")
            first = self._sum()
            self._expect(",")
            second = self._sum()
            self._expect(")")
            return FUNCTIONS[name](first, second)  # type: ignore[arg-type]
        if not name:
            raise ValueError(mark)
        return self._names(name)

    def _expect(self, mark: str) -> None:
        if self._peek() != mark:
            raise ValueError(mark)
        self._place += 1
