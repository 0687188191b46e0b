"""Activations from tables: sigmoid, tanh, softplus, softsign, elu, selu, with the index arithmetic of their kernels."""

import re
from collections.abc import Callable

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.frontends.chaining import scaled
from qcompress.frontends.hls4ml_project import functions
from qcompress.frontends.hls4ml_project.configs import Config
from qcompress.frontends.hls4ml_project.converter import Converter
from qcompress.frontends.hls4ml_project.curves import NOTHING, TRUTH, Handler, assigned, literal, parameter_type
from qcompress.frontends.hls4ml_project.files import FIRMWARE
from qcompress.frontends.hls4ml_project.number_types import NumberType
from qcompress.frontends.hls4ml_project.top import Call
from qcompress.frontends.hls4ml_project.weights import Weights, narrowed
from qcompress.graph import Add, Quantize, Relu, Table
from qcompress.graph.elementwise import MAX_TABLE_BITS

Function = Callable[[float], float]
UNIT = NumberType(False, 16, 1)


def bits_of(call: Call, config: Config, name: str = "table_size") -> int:
    """log2 of the entries of a table; raises Refused if that is not whole."""
    size = config.integer(name)
    if size < 2 or size & (size - 1) or size > 1 << MAX_TABLE_BITS:
        raise Refused(f"layer {call.name}: a table of {size} entries; a power of two up to 65536 is supported")
    return size.bit_length() - 1


def looked_up(converter: Converter, name: str, source: str, index: Cast, table: Weights) -> str:
    """table, of every code of `index`, at source assigned to index; gives the node `name`.

    Where source has fewer bits than index, the table is over its own codes.
    """
    builder = converter.builder
    given = builder.formats[source]
    if given == index.format:
        return builder.add(name, Table(table.codes, table.format), source)
    if given.width <= index.format.width:
        every = np.arange(given.min_code, given.max_code + 1, dtype=np.int64)
        places = index.codes(every, given.fraction) - index.format.min_code
        return builder.add(name, Table(table.codes[places], table.format), source)
    place = builder.add(f"{name}_index", Quantize(index), source)
    return builder.add(name, Table(table.codes, table.format), place)


def entries(converter: Converter, call: Call, name: str, size: int, made: functions.Entries) -> functions.Entries:
    """The entries of a table: `made` as the simulation makes them, of Intel's projects those of their files."""
    if converter.backend != "Quartus":
        return made
    path = f"{FIRMWARE}/nnet_utils/activation_tables/{name}.tb"
    text = converter.project.text(path)
    match = re.search(r"=\s*\{([^}]*)\}", text)
    if match is None:
        raise QcompressError(f"{converter.project.where}: {path} holds no table, or is cut off")
    try:
        found = [float(each) for each in match[1].replace("\n", " ").rstrip(", ").split(",")]
    except ValueError as fault:
        raise QcompressError(f"{converter.project.where}: {path}: {fault}") from None
    if len(found) != size:
        raise QcompressError(
            f"{converter.project.where}: {path} has {len(found)} entries, layer {call.name} wants {size}"
        )
    return found


def around_zero(name: str, function: Function, integer: int) -> Handler:
    """nnet::sigmoid, tanh, softplus, softsign: a table from -2**(integer - 1) to 2**(integer - 1)."""

    def handler(converter: Converter, call: Call) -> None:
        refuse_pieces(converter, call)
        config, result = converter.config(call), converter.type(call, 1)
        bits, type_ = bits_of(call, config), config.type("table_t")
        source = converter.source(call)
        made = functions.around_zero(function, 1 << bits, 2.0 ** (integer - 1))
        found = functions.codes(entries(converter, call, f"{name}_table", 1 << bits, made), type_)
        codes = result.cast.codes(found, type_.fraction)
        if converter.backend == "Quartus" and name != "softplus":
            node = _mirrored(converter, call, (bits, integer), found, type_, result)
        else:
            rounding = Rounding.TRN if converter.backend == "Quartus" else Rounding.TRN_ZERO
            _check_reach(converter, call, source, bits - integer)
            index = Cast(Format(True, bits, integer), rounding, Overflow.SAT)
            node = looked_up(converter, call.name, source, index, narrowed(codes, result.format))
        converter.give(call, 1, node)

    return handler


def _check_reach(converter: Converter, call: Call, source: str, fraction: int) -> None:
    """Raises Refused where an index may not fit the int that the kernel has for it."""
    given, range_ = converter.builder.formats[source], converter.builder.ranges[source]
    limit = 15 if converter.backend == "Quartus" else 31
    largest = max(abs(int(range_.low.min())), abs(int(range_.high.max())))
    if largest.bit_length() - given.fraction + fraction >= limit:
        raise Refused(f"layer {call.name}: its input may be too large for the index of its table; saturate it before")


def _mirrored(
    converter: Converter,
    call: Call,
    place: tuple[int, int],
    table: Codes,
    type_: NumberType,
    result: NumberType,
) -> str:
    """Intel's kernels, whose table is of absolute values, from 0 to 2**(integer - 1); place: bits and integer."""
    bits, integer = place
    source, data = converter.source(call), converter.type(call, 0)
    given, range_ = converter.builder.formats[source], converter.builder.ranges[source]
    reach = 2.0 ** (integer - 1)
    low, high = (float(end) * given.lsb for end in (range_.low.min(), range_.high.max()))
    if low <= -(2.0 ** (data.integer - 1)) and data.overflow == "WRAP":
        raise Refused(f"layer {call.name}: its kernel reads before its table at the lowest number; saturate it")
    if max(-low, high) >= reach:
        raise Refused(f"layer {call.name}: its kernel reads behind its table at {reach:g}; keep its input below")
    upper = result.cast.codes(table, type_.fraction)
    if call.function == "sigmoid":
        one = 1 << max(result.fraction, 0)
        lower = result.cast.codes(one - upper, result.fraction)
    else:
        lower = result.cast.codes(-upper, result.fraction)
    # indices -(2**bits - 1) ... 2**bits - 1; 0 belongs to the upper branch, or to a number just below 0
    index = Cast(Format(True, bits + 1, integer), Rounding.TRN_ZERO, Overflow.SAT)
    codes = np.concatenate([lower[-1:], lower[:0:-1], upper])
    if low < 0 and lower[0] != upper[0]:
        if given.width > MAX_TABLE_BITS:
            raise Refused(f"layer {call.name}: its table steps at 0 and its input has over {MAX_TABLE_BITS} bits")
        every = np.arange(given.min_code, given.max_code + 1, dtype=np.int64)
        places = index.codes(every, given.fraction)
        own = np.where((places == 0) & (every < 0), lower[0], codes[places - index.format.min_code])
        found = narrowed(own, result.format)
        return converter.builder.add(call.name, Table(found.codes, found.format), source)
    return looked_up(converter, call.name, source, index, narrowed(codes, result.format))


def negative_part(
    converter: Converter, call: Call, source: str, table: Codes, type_: NumberType, factor: Weights, result: NumberType
) -> str:
    """factor table[index] assigned to result where source is below 0, else 0, as a node; raises Refused."""
    bits = len(table).bit_length() - 1
    _check_reach(converter, call, source, bits - 3)
    product = table * int(factor.codes[0])
    codes = result.cast.codes(product, type_.fraction + factor.format.fraction)
    if codes[0] != 0:
        raise Refused(f"layer {call.name}: its table does not begin with 0; it is not that of hls4ml")
    index = Cast(Format(True, bits + 1, 4), Rounding.TRN_ZERO, Overflow.SAT)
    every = np.concatenate([codes[-1:], codes[:0:-1], np.zeros(1 << bits, np.int64)])
    return looked_up(converter, f"{call.name}_below", source, index, narrowed(every, result.format))


def both(converter: Converter, call: Call, above: str, below: str, result: NumberType) -> str:
    """The sum of two nodes of which one is 0, each assigned to result."""
    node = converter.builder.add(f"{call.name}_both", Add(), above, below)
    return converter.finish(call, node, result)


def elu(converter: Converter, call: Call) -> None:
    """nnet::elu: data, factor of the negative branch, result; without a factor where it is 1."""
    refuse_pieces(converter, call)
    config = converter.config(call)
    place, kinds = len(call.arguments) - 1, len(call.types)
    result, type_ = converter.type(call, kinds - 2), config.type("table_t")
    bits, source = bits_of(call, config), converter.source(call)
    factor = literal(call, 1, parameter_type(converter, call, 1)) if place == 2 else Weights(np.array([1]), TRUTH)
    made = functions.below_zero(functions.elu, 1 << bits)
    table = functions.codes(entries(converter, call, "elu_table", 1 << bits, made), type_)
    below = negative_part(converter, call, source, table, type_, factor, result)
    positive = converter.builder.add(f"{call.name}_positive", Relu(), source)
    above = converter.assign(f"{call.name}_above", call.name, positive, result)
    converter.give(call, place, both(converter, call, above, below, result))


def selu(converter: Converter, call: Call) -> None:
    """nnet::selu: a factor in a type of its own where x >= 0, a table below."""
    refuse_pieces(converter, call)
    config, result = converter.config(call), converter.type(call, 1)
    bits, type_, source = bits_of(call, config), config.type("table_t"), converter.source(call)
    made = functions.below_zero(functions.selu, 1 << bits)
    table = functions.codes(entries(converter, call, "selu_table", 1 << bits, made), type_)
    below = negative_part(converter, call, source, table, type_, Weights(np.array([1]), TRUTH), result)
    factor = assigned(1.0507009873554804934193349852946, _factor_type(converter, call, result))
    positive = converter.builder.add(f"{call.name}_positive", Relu(), source)
    line = scaled(converter.builder, f"{call.name}_line", positive, (factor.codes[0], factor.format), NOTHING)
    above = converter.assign(f"{call.name}_above", call.name, line, result)
    converter.give(call, 1, both(converter, call, above, below, result))


def refuse_pieces(converter: Converter, call: Call) -> None:
    """Raises Refused for Catapult, whose functions are pieces of straight lines, of a library of its own."""
    if converter.backend == "Catapult":
        raise Refused(f"layer {call.name}: Catapult's {call.function} is of pieces of lines, which are not supported")


def _factor_type(converter: Converter, call: Call, result: NumberType) -> NumberType:
    """The type in which a kernel of selu has its factor."""
    if converter.streams:
        return converter.type(call, 0)
    return UNIT if converter.backend == "Vivado" and converter.version >= (1, 2) else result


sigmoid = around_zero("sigmoid", functions.sigmoid, 4)
tanh = around_zero("tanh", functions.tanh, 3)
softplus = around_zero("softplus", functions.softplus, 4)
softsign = around_zero("softsign", functions.softsign, 4)
