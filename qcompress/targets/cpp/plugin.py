"""A plug-in for frameworks that load emulators at run time, as CMSSW does: create_model, destroy_model."""

from pathlib import Path
from typing import Any

from qcompress.fixedpoint import Cast
from qcompress.graph import Graph
from qcompress.graph.ports import Port
from qcompress.graph.stage import ports_in, ports_out
from qcompress.targets.cpp.ports import Members, is_plain, members
from qcompress.targets.cpp.source import Source, comment, header_name, namespace, word
from qcompress.targets.cpp.types import port_type
from qcompress.targets.cpp.values import RUNTIME as VALUES
from qcompress.targets.cpp.values import constants, is_real

RUNTIME = Path(__file__).with_name("plugin.h")

PLUGIN = """\
// A model for a framework that loads emulators as plug-ins: create_model, prepare_input, predict, read_result,
// destroy_model. Build: make (the Makefile beside this file), or
// g++ -std=c++17 -O3 -fPIC -shared -IFOLDER_OF_AP_FIXED plugin.cpp -o {name}_v1.so
// Every model object has its own input and output; the weights are constants that all threads share.
// -DQCOMPRESS_MODEL_HEADER='"emulator.h"' -DQCOMPRESS_MODEL_BASE=hls4mlEmulator::Model: the framework's base class.
// -DQCOMPRESS_AP_TYPES=0: without ap_fixed, though ap_fixed.h is found; 1: not without it.
// -DQCOMPRESS_INPUT=..., -DQCOMPRESS_RESULT=...: a pair, a tuple or a struct of the framework's, its members the inputs
// or the outputs below in that order; -DQCOMPRESS_TYPES_HEADER='"types.h"': where it is declared.
//
// prepare_input takes, and read_result fills,
{takes}
#include "{header}"

#include <any>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cxxabi.h>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>

#ifndef QCOMPRESS_AP_TYPES
#if __has_include("ap_fixed.h")
#define QCOMPRESS_AP_TYPES 1
#else
#define QCOMPRESS_AP_TYPES 0
#endif
#endif
#if QCOMPRESS_AP_TYPES
#include "ap_fixed.h"
#include "ap_int.h"
#endif
#ifdef QCOMPRESS_TYPES_HEADER
#include QCOMPRESS_TYPES_HEADER
#endif
#ifdef QCOMPRESS_MODEL_HEADER
#include QCOMPRESS_MODEL_HEADER
#else
#define QCOMPRESS_MODEL_BASE qcompress_plugin::Model
namespace qcompress_plugin {{
class Model {{
  public:
    virtual void prepare_input(std::any input) = 0;
    virtual void predict() = 0;
    virtual void read_result(std::any result) = 0;
    virtual ~Model() = default;
}};
}} // namespace qcompress_plugin
#endif

namespace {space} {{
namespace {{

{values}
{ports}
{ways}
}} // namespace

class Emulator final : public QCOMPRESS_MODEL_BASE {{
    Held held_;{workspace}

  public:
    void prepare_input(std::any input) override {{
#ifdef QCOMPRESS_INPUT
        using Given = QCOMPRESS_INPUT;
        if (const auto *one = std::any_cast<Given>(&input)) return take_members(*one, held_);
        if (const auto *one = std::any_cast<Given *>(&input)) return take_members(*known<{first_in}>(*one), held_);
        if (const auto *one = std::any_cast<const Given *>(&input))
            return take_members(*known<{first_in}>(*one), held_);
#endif
        if (!several<const void *>(inputs_by_name(), input, held_, "input", true))
            refuse("the input", input,
                   "std::map<std::string, std::any> by name (" + listed(inputs_by_name()) +
                       "), or a type given as QCOMPRESS_INPUT when the plug-in is compiled");
    }}
    void predict() override {{ {space}::predict({call}{extra}); }}
    void read_result(std::any result) override {{
#ifdef QCOMPRESS_RESULT
        using Result = QCOMPRESS_RESULT;
        if (const auto *one = std::any_cast<Result *>(&result)) return give_members(*known<{first_out}>(*one), held_);
#endif
        if (!several<void *>(outputs_by_name(), result, held_, "result", false))
            refuse("the result", result,
                   "std::map<std::string, std::any> by name (" + listed(outputs_by_name()) +
                       "), or a pointer to a type given as QCOMPRESS_RESULT when the plug-in is compiled");
    }}
}};

}} // namespace {space}

extern "C" QCOMPRESS_MODEL_BASE *create_model() {{ return new {space}::Emulator; }}
extern "C" void destroy_model(QCOMPRESS_MODEL_BASE *model) {{ delete model; }}
"""


def plugin(graph: Any, keeps_space: bool) -> str:
    """C++ of a plug-in of graph, a graph or a chain, for frameworks that load emulators at run time.

    keeps_space: whether a model object keeps its work space from row to row.
    """
    inputs, outputs = members(ports_in(graph)), members(ports_out(graph))
    return PLUGIN.format(
        header=header_name(graph),
        space=namespace(graph),
        name=word(graph.name),
        takes="\n".join([*_listed("in", inputs), *_listed("out", outputs)]),
        values=VALUES.read_text(),
        ports=_ports(graph, inputs, outputs),
        ways=RUNTIME.read_text() + _tables(inputs, outputs),
        workspace="\n    Workspace space_;" if keeps_space else "",
        extra=", 1, space_" if keeps_space else "",
        call=_call(graph, inputs, outputs),
        first_in=f"plugin_in::{inputs[0][0]}",
        first_out=f"plugin_out::{outputs[0][0]}",
    )


def _listed(side: str, ports: Members) -> list[str]:
    """What a caller hands over, in comment lines."""
    lines = []
    for _, port in ports:
        lines.append(f"//   {side}: {comment(port.name)}: {port.size} of ap_{port.format}, {port_type(port.format)}")
    if len(ports) > 1:
        lines.append(
            "//   by name: std::map<std::string, std::any> of what each takes, or of pointers to these integers,"
        )
        lines.append(f"//   std::map<std::string, {'const ' if side == 'in' else ''}void *>")
    return lines


def _ports(graph: Any, inputs: Members, outputs: Members) -> str:
    """What plugin.h and values.h know of every port, and where a model keeps the codes of one row."""
    quantizers = {each.name: each.quantizer for each in graph.inputs} if isinstance(graph, Graph) else {}
    source = Source()
    source.line(f"constexpr const char *model_name = {quoted(graph.name)};", "")
    for space, side in (("plugin_in", inputs), ("plugin_out", outputs)):
        with source.block(f"namespace {space}"):
            for name, port in side:
                _port(source, name, port, space == "plugin_in", quantizers.get(port.name))
    source.line("", "// The codes of one row.")
    with source.block("struct Held", "};"):
        for way, side in (("in", inputs), ("out", outputs)):
            source.line(*(f"plugin_{way}::{name}::type {way}_{name}[{port.size}]{{}};" for name, port in side))
    return source.text()


def _port(source: Source, name: str, port: Port, is_input: bool, quantizer: Cast | None) -> None:
    """Constants of one port; a real value is scaled towards the codes at an input, away from them at an output."""
    real = is_real(port)
    power = (port.format.fraction if is_input else -port.format.fraction) if real else 0
    with source.block(f"struct {name}", "};"):
        constants(source, port, power, quantizer if is_input else None)
        source.constants("int", integer=port.format.integer)
        source.constants("bool", is_signed=int(port.format.signed), real=int(real), is_input=int(is_input))
        said = f"{'input' if is_input else 'result'} {port.name}"
        source.line(f"static std::string name() {{ return {quoted(said)}; }}")


def _tables(inputs: Members, outputs: Members) -> str:
    """Ports by their names, and the members of what a framework declares, in order."""
    source = Source()
    for way, side, verb, const in (("in", inputs, "take", "const "), ("out", outputs, "give", "")):
        source.line("")
        with source.block(f"const Names &{way}puts_by_name()"):
            with source.block("static const Names ports", "};"):
                source.line(
                    *(
                        f"{{{quoted(port.name)}, way<plugin_{way}::{name}, &Held::{way}_{name}>()}},"
                        for name, port in side
                    )
                )
            source.line("return ports;")
        parts = [f"part_{number}" for number in range(len(side))]
        with source.block(
            f"template <class Given> [[maybe_unused]] void {verb}_members({const}Given &given, Held &held)"
        ):
            source.line(f"{const}auto &[{', '.join(parts)}] = given;")
            for part, (name, _) in zip(parts, side, strict=True):
                source.line(f"{verb}_member<plugin_{way}::{name}>({part}, held.{way}_{name});")
    return source.text()


def _call(graph: Any, inputs: Members, outputs: Members) -> str:
    """The arguments of the header's `predict` for one row."""
    given, made = (
        ", ".join(f"held_.{way}_{name}" for name, _ in side) for way, side in (("in", inputs), ("out", outputs))
    )
    return f"{given}, {made}" if is_plain(graph) else f"Inputs{{{given}}}, Outputs{{{made}}}"


def quoted(text: str) -> str:
    """A string as C++ reads it, on one line, in ASCII: bytes beyond it as octal escapes of UTF-8."""
    escaped = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\\\?' else f"\\{byte:03o}" for byte in text.encode())
    return f'"{"".join(escaped)}"'
