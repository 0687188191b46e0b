"""Text of C++ files: lines with their indentation, names that are identifiers, names of headers and namespaces."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from qcompress.fixedpoint import Codes
from qcompress.graph.stage import Hashed
from qcompress.targets.cpp.types import literal
from qcompress.targets.text import Lines

_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl
concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq std linux unix NULL EOF errno
assert
"""
RESERVED = frozenset(_WORDS.split())
"""Words that name nothing else: those of C++17 and C++20, and macros of the standard library and of compilers."""


class Source(Lines):
    """Lines of C++ with their indentation."""

    @contextmanager
    def block(self, opening: str, closing: str = "}") -> Iterator[None]:
        """Lines between braces, behind `opening`; closing: the last line."""
        with self.indented(opening + " {", closing):
            yield

    def constants(self, type_: str, **values: int) -> None:
        """Constants of the C++ type `type_`, `values` by name."""
        self.line(*(f"static constexpr {type_} {name} = {literal(value)};" for name, value in values.items()))

    def array(self, type_: str, name: str, values: Codes, before: str = "static ") -> None:
        """The constant array `name` of C++ type type_ with values, a hundred or so characters a line.

        before: words before `constexpr`.
        """
        with self.block(f"{before}constexpr {type_} {name}[{values.size}] =", "};"):
            texts = [literal(code) if abs(code) >= 1 << 31 else str(code) for code in values.ravel().tolist()]
            for start in range(0, len(texts), 20):
                self.line(", ".join(texts[start : start + 20]) + ",")


def namespace(graph: Hashed) -> str:
    """Namespace by name and version of graph: two models, or two versions of one, live in one program."""
    return f"qcompress_{word(graph.name)}_{graph.content_hash()[:12]}"


def header_name(graph: Hashed) -> str:
    """File name of the header of graph."""
    return f"{word(graph.name)}.h"


def word(name: str) -> str:
    """The name in letters, digits and underscores alone; names that differ may become alike."""
    return re.sub(r"[^0-9A-Za-z]", "_", name)


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """Every name -> a C++ identifier of its own, the same ones always.

    Other characters than letters and digits become underscores, several together become one; what does not begin with
    a letter begins with `port_`; reserved words end with an underscore. Of names that become alike the later ones get
    a number, as `x`, `x_2`, `x_3`.
    """
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"_+", "_", word(name))
        if not plain[:1].isalpha():
            plain = f"port_{plain.lstrip('_')}"
        if plain in RESERVED:
            plain += "_"
        chosen, number = plain, 1
        while chosen in found.values():
            number += 1
            chosen = f"{plain.rstrip('_')}_{number}"
        found[name] = chosen
    return found


def comment(text: str) -> str:
    """The text without anything that could end or continue a comment line."""
    return re.sub(r"[^\x20-\x5b\x5d-\x7e]", "_", text)
