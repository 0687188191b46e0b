"""Softmax: exponentials from a table, their sum, its inverse from a table, products."""

from collections.abc import Callable

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.frontends.chaining import alike, broadcast, chain
from qcompress.frontends.hls4ml_project import functions
from qcompress.frontends.hls4ml_project.configs import Config
from qcompress.frontends.hls4ml_project.converter import Converter
from qcompress.frontends.hls4ml_project.curves import TRUTH
from qcompress.frontends.hls4ml_project.number_types import NumberType, Packed
from qcompress.frontends.hls4ml_project.tables import bits_of, entries, looked_up, refuse_pieces
from qcompress.frontends.hls4ml_project.top import Call
from qcompress.frontends.hls4ml_project.weights import narrowed
from qcompress.frontends.reduction import largest, total
from qcompress.graph import ArgMax, Multiply, Quantize, Reshape, Subtract, TableEach

Rows = tuple[int, int, int]


def softmax(converter: Converter, call: Call) -> None:
    """nnet::softmax, softmax_multidim, in the implementation that the struct names."""
    config = converter.config(call)
    kind = config.word("implementation", "stable")
    refuse_pieces(converter, call)
    if kind not in KINDS:
        raise Refused(f"layer {call.name}: softmax implementation {kind} is not supported")
    node = converter.source(call)
    shape = converter.builder.shapes[node]
    rows = _rows(converter, call, config)
    node = converter.source(call, 0, rows)
    found = KINDS[kind](converter, call, config, node)
    found = chain(converter.builder, f"{call.name}_axes", found, [("", Reshape(shape))])
    converter.give(call, 1, converter.finish(call, found, converter.type(call, 1)))


def _rows(converter: Converter, call: Call, config: Config) -> Rows:
    """Outer elements, the elements of one softmax, inner elements."""
    size = config.integer("n_in")
    if converter.streams:
        word = converter.packed(call, 0)
        inner = word.size if isinstance(word, Packed) else size
        return size // inner, inner, 1
    if call.function == "softmax_multidim":
        return config.integer("n_outer"), config.integer("n_slice"), config.integer("n_inner")
    one = config.integer("n_slice", size)
    return size // one, one, 1


def _latency(converter: Converter, call: Call, config: Config, node: str) -> str:
    """Exponentials of the numbers themselves."""
    data = converter.type(call, 0)
    bits = _bits(converter, call, config, "exp")
    if converter.backend == "Quartus":
        raise Refused(f"layer {call.name}: Intel's softmax 'latency' is not supported; use 'stable'")
    table = _exponentials(call, config, data, bits, sign=1)
    exps = _at_top(converter, f"{call.name}_exp", call, node, data, bits, table, config.type("exp_table_t"))
    return _normalized(converter, call, config, exps)


def _stable(converter: Converter, call: Call, config: Config, node: str) -> str:
    """Exponentials of the distances from the largest."""
    builder = converter.builder
    most = largest(builder, f"{call.name}_largest", node, [1], keep=True)
    pair = alike(builder, f"{call.name}_distance", node, most)
    if converter.backend == "Quartus":
        return _stable_of_intel(converter, call, config, pair)
    bits = _bits(converter, call, config, "exp")
    if "inp_norm_t" in config.types:
        type_, sign = config.type("inp_norm_t"), -1
        pair = pair[::-1]
    else:  # of versions before 1.2: distances are negative, in the type of the data
        data, sign = converter.type(call, 0), 1
        type_ = NumberType(True, data.width, data.integer, Rounding.RND, Overflow.SAT)
        if not data.signed:
            raise Refused(f"layer {call.name}: its kernel takes distances for numbers without a sign")
    distance = builder.add(f"{call.name}_distance", Subtract(), *pair)
    within = converter.assign(f"{call.name}_norm", call.name, distance, type_)
    table = _exponentials(call, config, type_, bits, sign)
    exps = _at_top(converter, f"{call.name}_exp", call, within, type_, bits, table, config.type("exp_table_t"))
    return _normalized(converter, call, config, exps)


def _bits(converter: Converter, call: Call, config: Config, which: str) -> int:
    """log2 of the entries of a table; before version 1.2 both have as many."""
    return bits_of(call, config, f"{which}_table_size" if converter.version >= (1, 2) else "table_size")


def _exponentials(call: Call, config: Config, type_: NumberType, bits: int, sign: int) -> Codes:
    """exp(sign x) of the numbers that the highest bits of type_ say, assigned to exp_table_t."""
    scale = float(config.value("exp_scale")) if config.has("exp_scale") else 1.0
    if type_.width < bits:
        raise Refused(f"layer {call.name}: a table of {1 << bits} entries for numbers of {type_.width} bits")
    places = functions.sliced(type_, bits)
    values = [functions.exp(sign * float(np.float32(np.float32(place) * np.float32(scale)))) for place in places]
    return functions.codes(values, config.type("exp_table_t"))


def _at_top(
    converter: Converter,
    name: str,
    call: Call,
    node: str,
    type_: NumberType,
    bits: int,
    table: Codes,
    result: NumberType,
) -> str:
    """table at the highest bits of node, which is a number of type_; table: by bit pattern."""
    if type_.signed:
        table = np.concatenate([table[len(table) // 2 :], table[: len(table) // 2]])
    index = Cast(Format(type_.signed, bits, type_.integer))
    return looked_up(converter, name, node, index, narrowed(table, result.format))


def _normalized(converter: Converter, call: Call, config: Config, exps: str) -> str:
    """Every exponential times the inverse of their sum; exactly, for the result's type follows."""
    builder, name = converter.builder, call.name
    accumulator, inner = (
        config.type(name if converter.version >= (1, 2) else "exp_table_t") for name in ("accum_t", "inv_inp_t")
    )
    exps = converter.assign(f"{name}_terms", name, exps, accumulator)
    summed = _sum(converter, call, exps, accumulator)
    summed = converter.assign(f"{name}_sum_inner", name, summed, inner)
    bits = _bits(converter, call, config, "inv")
    if inner.width < bits:
        raise Refused(f"layer {name}: a table of {1 << bits} entries for numbers of {inner.width} bits")
    inverses = [functions.inverse(place) for place in functions.sliced(inner, bits)]
    table = functions.codes(inverses, config.type("inv_table_t"))
    inverse = _at_top(converter, f"{name}_inverse", call, summed, inner, bits, table, config.type("inv_table_t"))
    return builder.add(f"{name}_product", Multiply(), *alike(builder, f"{name}_product", exps, inverse))


def _sum(converter: Converter, call: Call, terms: str, accumulator: NumberType) -> str:
    """The sum of all terms of a softmax in the accumulator's type; raises Refused where its order may matter."""
    low = int(converter.builder.ranges[terms].low.min())
    summed = total(converter.builder, f"{call.name}_sum", terms, [1], keep=True)
    if converter.fits(summed, accumulator):
        return summed
    if accumulator.overflow == "SAT_ZERO" or (accumulator.overflow != "WRAP" and low < 0):
        raise Refused(f"layer {call.name}: its sum may saturate on its way; give accum_t more bits")
    return converter.builder.add(f"{call.name}_total", Quantize(accumulator.cast), summed)


def _stable_of_intel(converter: Converter, call: Call, config: Config, pair: list[str]) -> str:
    """Intel's: distances without their sign bit are the place in the table, of which 0 is for 0 alone."""
    builder, name, data = converter.builder, call.name, converter.type(call, 0)
    type_, bits = config.type("exp_table_t"), bits_of(call, config)
    if not data.signed or data.width <= bits or not type_.signed or type_.width <= bits:
        raise Refused(f"layer {name}: its numbers need a sign and more bits than the {bits} of its tables")
    distance = builder.add(f"{name}_distance", Subtract(), *pair)
    within = NumberType(True, data.width, data.integer, data.rounding, Overflow.SAT)
    distance = converter.assign(f"{name}_norm", name, distance, within)
    table = _from_file(converter, call, config, "exp_table", type_)
    exps = _below_sign(converter, f"{name}_exp", distance, data, bits, table, type_)
    summed = _sum(converter, call, exps, type_)
    inverse_type, first = config.type("inv_table_t"), int(table[0])
    table = _from_file(converter, call, config, "invert_table", inverse_type)
    if int(builder.ranges[summed].low.min()) < 0 or first <= 0:
        raise Refused(f"layer {name}: its sum may be negative; give exp_table_t more bits")
    inverse = _below_sign(converter, f"{name}_inverse", summed, type_, bits, table, inverse_type)
    return builder.add(f"{name}_product", Multiply(), *alike(builder, f"{name}_product", exps, inverse))


def _from_file(converter: Converter, call: Call, config: Config, name: str, type_: NumberType) -> Codes:
    """A table of a file, whose entries have table_t, assigned to a type; by place."""
    own = config.type("table_t") if "table_t" in config.types else INTEL
    made = entries(converter, call, name, 1 << bits_of(call, config), ())
    return type_.cast.codes(functions.codes(made, own), own.fraction)


INTEL = NumberType(True, 16, 8)
"""table_t of Intel's kernels where a struct has none."""


def _below_sign(
    converter: Converter, name: str, node: str, type_: NumberType, bits: int, table: Codes, result: NumberType
) -> str:
    """table at the bits below the sign of node; what is not 0 takes place 1 at least."""
    index = Cast(Format(True, bits + 1, type_.integer))
    place = np.arange(-(1 << bits), 1 << bits) & ((1 << bits) - 1)
    place[0] = 1  # the lowest numbers, none of which is 0
    positive = int(converter.builder.ranges[node].low.min()) >= 0
    if positive:
        place[1 << bits] = 1  # numbers above 0, for a sum of exponentials holds that of the largest
    return looked_up(converter, name, node, index, narrowed(table[place], result.format))


def _legacy(converter: Converter, call: Call, config: Config, node: str) -> str:
    """1 / sum of exp(x_j - x_i), for every i."""
    raise Refused(f"layer {call.name}: softmax 'legacy' is not supported; write it as 'stable'")


def _argmax(converter: Converter, call: Call, config: Config, node: str) -> str:
    """1 for the largest, the first of equal ones, else 0."""
    builder, name = converter.builder, call.name
    outer, size, inner = builder.shapes[node]
    turned = chain(builder, f"{name}_last", node, [("", Reshape((outer * inner, size)))]) if inner == 1 else None
    if turned is None:
        raise Refused(f"layer {name}: softmax 'argmax' along an inner axis is not supported")
    which = builder.add(f"{name}_which", ArgMax(size), turned)
    wide = broadcast(builder, f"{name}_wide", which, (outer * inner, size))
    bits = builder.formats[which].width
    tables = [np.arange(1 << bits) == place for place in range(size)]
    chosen = TableEach.of([each.astype(np.int64) for each in tables], np.zeros(size, np.int64), TRUTH)
    return builder.add(f"{name}_chosen", chosen, wide)


KINDS: dict[str, Callable[[Converter, Call, Config, str], str]] = {
    "latency": _latency,
    "stable": _stable,
    "legacy": _legacy,
    "argmax": _argmax,
}
