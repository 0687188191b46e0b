"""The structs of parameters.h: constants and types of every layer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from qcompress.errors import QcompressError
from qcompress.frontends.hls4ml_project.number_types import NumberType, element, parse_type
from qcompress.frontends.hls4ml_project.text import Arithmetic, Number, end_of

_STRUCT = re.compile(r"\bstruct\s+(\w+)\s*(?::\s*(?:public\s+)?(?:nnet::)?(\w+)\s*)?\{")
_CONSTANT = re.compile(r"static\s+(?:const|constexpr)\s+(?:[\w:]+(?:<[^;=]*>)?)\s+(\w+)\s*=\s*([^;{]+);")
_LIST = re.compile(r"static\s+(?:const|constexpr)\s+[\w:<>, ]+?\s(\w+)\s*(?:\[[^\]]*\])?\s*=?\s*(\{+[^;]*\}+);")
_TYPEDEF = re.compile(r"typedef\s+([^;]+?)\s+(\w+)\s*;")
_USING = re.compile(r"using\s+(\w+)\s*=\s*(?:nnet::)?([\w:]+)")
_OUTSIDE = re.compile(r"const\s+[\w:<>, ]+?\s(\w+)::(\w+)\s*=\s*([^;{]+);")
_OUTSIDE_LIST = re.compile(r"const(?:expr)?\s+[\w:<>, *]+?\s(\w+)::(\w+)\s*\[[^\]]*\]\s*=\s*\{([^;]*)\};")


_GLOBAL_LIST = re.compile(
    r"\bunsigned\s+(\w+?)_(from_shape|to_shape|perm|perm_strides)\s*\[[^\]]*\]\s*=\s*\{([^;]*)\};"
)


@dataclass(frozen=True)
class Config:
    """A layer's struct: constants and lists as text, types, and templates that it chooses."""

    name: str
    base: str
    constants: Mapping[str, str]
    lists: Mapping[str, str]
    types: Mapping[str, str]
    templates: Mapping[str, str]
    known: Mapping[str, str] = field(repr=False)
    """Types of the project, by name."""

    def has(self, name: str) -> bool:
        """Whether there is a constant of that name."""
        return name in self.constants

    def value(self, name: str, depth: int = 0) -> Number:
        """A constant: a number, or the last part of an enumerator's name. Raises QcompressError."""
        if name not in self.constants:
            return name.rsplit("::", 1)[-1]
        if depth > len(self.constants):
            raise QcompressError(f"{self.name}: {name} is made of itself")
        text = self.constants[name].strip()
        choice = re.fullmatch(r"\((\w+)\s*==\s*(-?\w+)\)\s*\?\s*(\w+)\s*:\s*(\w+)", text)
        if choice:
            same = str(self.value(choice[1], depth + 1)) == choice[2]
            text = choice[3] if same else choice[4]
        return Arithmetic(text, lambda inner: self.value(inner, depth + 1)).value()

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number; raises QcompressError if there is none and no default."""
        if not self.has(name) and default is not None:
            return default
        found = self.value(name) if self.has(name) else None
        if found in ("true", "false"):
            return int(found == "true")
        if not isinstance(found, int):
            raise QcompressError(f"{self.name} of parameters.h: {name} is missing, or no whole number")
        return found

    def word(self, name: str, default: str = "") -> str:
        """An enumerator, without its namespace."""
        return str(self.value(name)) if self.has(name) else default

    def numbers(self, name: str) -> list[int]:
        """A list of whole numbers; raises QcompressError if there is none."""
        if name not in self.lists:
            raise QcompressError(f"{self.name} of parameters.h: {name} is missing")
        return [int(each) for each in re.findall(r"-?\d+", self.lists[name])]

    def type(self, name: str) -> NumberType:
        """The type that the struct calls by that name; raises QcompressError."""
        if name not in self.types:
            raise QcompressError(f"{self.name} of parameters.h: type {name} is missing")
        return element(parse_type(self.types[name], self.known))


def parse_configs(text: str, macros: Mapping[str, str], known: Mapping[str, str]) -> dict[str, Config]:
    """Every struct of text, by name; macros: constants of defines.h; known: its types. Raises QcompressError."""
    found: dict[str, Config] = {}
    outside: dict[str, dict[str, str]] = {}
    for struct, name, value in _OUTSIDE.findall(text):
        outside.setdefault(struct, {})[name] = value
    lists: dict[str, dict[str, str]] = {}
    for struct, name, value in [*_OUTSIDE_LIST.findall(text), *_GLOBAL_LIST.findall(text)]:
        lists.setdefault(struct, {})[name] = value
    for match in _STRUCT.finditer(text):
        body = text[match.end() : end_of(text, match.end() - 1)]
        name = match[1]
        constants = {**macros, **dict(_CONSTANT.findall(body)), **outside.get(name, {})}
        types = {alias: told for told, alias in _TYPEDEF.findall(body)}
        own = {**dict(_LIST.findall(body)), **lists.get(name, {})}
        found[name] = Config(name, match[2] or "", constants, own, types, dict(_USING.findall(body)), known)
    return found


def parse_typedefs(text: str) -> dict[str, str]:
    """What every name of defines.h stands for."""
    return {alias: told for told, alias in _TYPEDEF.findall(text)}
