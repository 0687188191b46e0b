"""The top-level function: its ports, and the calls of kernels in order."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from qcompress.errors import QcompressError
from qcompress.frontends.hls4ml_project.files import FIRMWARE, Project
from qcompress.frontends.hls4ml_project.text import Arithmetic, arguments, end_of, preprocessed, without_comments
from qcompress.graph import Shape

MOST = 1 << 40
"""Elements that an array may have."""


@dataclass(frozen=True)
class Call:
    """nnet::function<types...>(inputs..., outputs...) in the top-level function; name: the layer's."""

    name: str
    function: str
    types: tuple[str, ...]
    arguments: tuple[str, ...]

    @property
    def config(self) -> str:
        """Name of the struct that configures it: the last type."""
        return self.types[-1] if self.types else ""


@dataclass(frozen=True)
class Variable:
    """A port or an array: its type, and its shape where that is told."""

    type: str
    shape: Shape | None


@dataclass(frozen=True)
class Top:
    """name: of the function; ports in order; arrays by name; aliases: a name -> the one that it stands for."""

    name: str
    ports: Mapping[str, Variable]
    variables: Mapping[str, Variable]
    aliases: Mapping[str, str]
    calls: tuple[Call, ...]

    def resolved(self, name: str) -> str:
        """The variable that name stands for."""
        name = re.sub(r"^(inputs|outputs)\.", "", name.strip())
        seen = set()
        while name in self.aliases and name not in seen:
            seen.add(name)
            name = self.aliases[name]
        return name


def parse_top(project: Project, macros: Mapping[str, str]) -> Top:
    """The top-level function of the project; macros: constants of defines.h. Raises QcompressError."""
    name, text = _source(project)
    text = without_comments(preprocessed(text)[0])
    found = re.search(rf"\b{name}\b\)?\s*\(", text)
    if found is None:
        raise QcompressError(f"{project.where}: {FIRMWARE}/{name}.cpp has no function {name}")
    start = found.end() - 1
    end = end_of(text, start)
    opening = text.find("{", end)
    if opening < 0:
        raise QcompressError(f"{project.where}: {FIRMWARE}/{name}.cpp ends before the body of {name}")
    body = text[opening + 1 : end_of(text, opening)]
    whole = text[: found.start()] + body
    ports: dict[str, Variable] = {}
    for parameter in arguments(text[start + 1 : end]):
        ports |= _port(project, name, parameter, macros)
    if "outputs" in body and "return outputs" in body:
        ports |= _struct(project, name, "output_data", macros)
    variables = dict(ports)
    for type_, variable, size in re.findall(r"\b(\w+)\s+(\w+)\s*\[([^\]]*)\]\s*(?:hls_register\s*)?;", body):
        variables[variable] = Variable(type_, _shape(size, macros))
    for type_, variable in re.findall(r"\b(?:hls::stream|ac_channel|stream)\s*<\s*(\w+)\s*>\s*(\w+)", whole):
        variables.setdefault(variable, Variable(type_, None))
    aliases = dict(re.findall(r"auto\s*&\s*(\w+)\s*=\s*(\w+)\s*;", whole))
    aliases |= _copied(body)
    return Top(name, ports, variables, aliases, tuple(_calls(body)))


def top_name(project: Project) -> str:
    """The name of the top-level function; raises QcompressError."""
    return _source(project)[0]


def _source(project: Project) -> tuple[str, str]:
    """Name and text of the source file of the top-level function."""
    stems = {
        path[len(FIRMWARE) + 1 : -4]: text
        for path, text in project.files.items()
        if re.fullmatch(rf"{FIRMWARE}/\w+\.cpp", path) and "nnet::" in text
    }
    if len(stems) != 1:
        told = "no source file calls" if not stems else f"{', '.join(sorted(stems))} all call"
        raise QcompressError(f"{project.where}: {told} kernels of nnet; one top-level function in {FIRMWARE} is read")
    return next(iter(stems.items()))


def _port(project: Project, name: str, text: str, macros: Mapping[str, str]) -> dict[str, Variable]:
    """The port, or the ports, of one parameter."""
    if re.match(r"input_data\b", text):
        return _struct(project, name, "input_data", macros)
    array = re.fullmatch(r"(?:const\s+)?(\w+)\s+(\w+)\s*((?:\[[^\]]*\])+)", text)
    if array:
        return {array[2]: Variable(array[1], _shape("*".join(re.findall(r"\[([^\]]*)\]", array[3])), macros))}
    stream = re.fullmatch(r"(?:hls::stream|ac_channel|stream_in|stream_out|stream)\s*<\s*(\w+)\s*>\s*&\s*(\w+)", text)
    if stream:
        return {stream[2].removesuffix("_stream") if "stream_" in text else stream[2]: Variable(stream[1], None)}
    if re.fullmatch(r"unsigned short\s*&?\s*const_size_\w+", text):
        return {}
    raise QcompressError(f"{project.where}: port {text!r} of {name} cannot be read")


def _struct(project: Project, name: str, kind: str, macros: Mapping[str, str]) -> dict[str, Variable]:
    """The members of input_data or output_data, which Intel's compilers have for ports."""
    text = without_comments(preprocessed(project.text(f"{FIRMWARE}/{name}.h"))[0])
    match = re.search(rf"struct\s+{kind}\s*\{{", text)
    if match is None:
        raise QcompressError(f"{project.where}: {FIRMWARE}/{name}.h has no struct {kind}")
    body = text[match.end() : end_of(text, match.end() - 1)]
    members = re.findall(r"(\w+)\s+(\w+)\s*\[([^\]]*)\]\s*;", body)
    return {member: Variable(type_, _shape(size, macros)) for type_, member, size in members}


def _shape(text: str, macros: Mapping[str, str]) -> Shape:
    """8*8*3 -> (8, 8, 3); a factor may be a macro."""

    def value(name: str) -> int | float | str:
        if name not in macros:
            raise QcompressError(f"size {name} is not in defines.h")
        return Arithmetic(macros[name], value).value()

    sizes = [Arithmetic(factor, value).value() for factor in text.split("*")]
    found = tuple(size for size in sizes if isinstance(size, int) and size > 0)
    if len(found) < len(sizes) or prod(found) > MOST:
        raise QcompressError(f"size {text!r} of an array cannot be read")
    return found


def _copied(body: str) -> dict[str, str]:
    """Streams that a loop of the top-level function copies word by word, as Intel's ports are."""
    found = {}
    for loop in re.finditer(r"(\w+)\s+tmp\s*=\s*(\w+)\.read\(\)\s*;\s*(\w+)\.write\(tmp\)", body):
        source, target = loop[2], loop[3]
        if source.endswith("_stream") and target == source.removesuffix("_stream"):
            continue
        if target != f"{source}_stream":
            found[target] = source
    return found


def _calls(body: str) -> list[Call]:
    found: list[Call] = []
    for match in re.finditer(r"\bnnet::(\w+)\s*(?=[<(])", body):
        place = match.end()
        types: tuple[str, ...] = ()
        if match[1] == "load_weights_from_txt":
            continue
        if body[place] == "<":
            end = end_of(body, place)
            types = tuple(arguments(body[place + 1 : end]))
            place = end + 1
        opening = body.find("(", place)
        if opening < 0:
            raise QcompressError(f"the call of nnet::{match[1]} is cut off")
        end = end_of(body, opening)
        told = re.match(r"\s*;@(\w+)@", body[end + 1 :])
        given = tuple(arguments(body[opening + 1 : end]))
        if match[1] in SILENT:
            continue
        name = told[1] if told else _layer_name(given, types)
        found.append(Call(name, match[1], types, given))
    taken: set[str] = set()
    for place, call in enumerate(found):
        name = call.name
        while name in taken:
            name += "_"
        taken.add(name)
        found[place] = Call(name, call.function, call.types, call.arguments)
    return found


SILENT = ("save_layer_output", "load_compressed_weights_from_txt", "load_exponent_weights_from_txt")
"""Calls that compute nothing."""


def _layer_name(given: tuple[str, ...], types: tuple[str, ...]) -> str:
    """Of a layer without a comment: as its result is called, layer2_out -> layer2."""
    outputs = [part for part in given if re.search(r"(^|\.)layer\d+_\w+$", part)]
    name = (outputs or [types[-1] if types else "layer"])[-1]
    return name.rpartition(".")[2].removesuffix("_out")
