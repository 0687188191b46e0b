"""Write a graph as Verilog: run in a process of its own.

    python -m qcompress.targets.rtl_build LATENCY_CUTOFF

in the folder that holds graph/; Verilog, constraints and design.json go to verilog/.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding, wrap
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Linear, Operation, Quantize, Range, Relu
from qcompress.graph.stage import Shape
from qcompress.targets.hls import chain
from qcompress.targets.record import write_json
from qcompress.targets.rtl import TOP, WRONG_LOGIC

CORE = "qcompress_core"
"""alkaid's module; its ports are as wide as the values need."""

CHECKED_ROWS = 2000
SPARSE = 0.2

Variable = Any
"""alkaid's FVariable: a symbolic number that remembers how it was computed."""

Element = Variable | int
"""A symbolic number, or a constant as its code. Constants never enter alkaid, which casts some of them wrongly."""

SOLVER = {"binary_lut": False}
"""alkaid's tables for one-bit inputs assert on signed ones; adders serve both."""


class Bits(NamedTuple):
    """A format as alkaid has it: sign bit or none, integer bits without it, fractional bits."""

    signed: bool
    integer: int
    fraction: int

    @classmethod
    def of(cls, format_: Format) -> "Bits":
        return cls(format_.signed, format_.integer - format_.signed, format_.fraction)

    @property
    def width(self) -> int:
        return self.signed + self.integer + self.fraction


class Traced(NamedTuple):
    """alkaid's logic of a graph (None: all is constant), and what it leaves out: constant outputs, index -> code."""

    logic: Any | None
    constants: dict[int, int]


def trace_graph(graph: Graph) -> Traced:
    """The whole graph as combinational logic; its outputs are those that are not constant, in order.

    One optimization of alkaid 0.8.2 is left out: it takes a single bit of a shifted number for the number's highest
    if their weights before the shift agree, and picks the wrong one.
    """
    from alkaid.trace import FVArrayInput, HWConfig, trace

    inputs = FVArrayInput((int(np.prod(graph.input_shape)),), HWConfig(1, -1, -1))
    elements: list[Element] = list(np.asarray(inputs.quantize(*Bits.of(graph.input_format)), object))
    ranges = graph.ranges()
    for node in chain(graph):
        logic = LOGIC[type(node.operation)]
        elements = logic(node.operation, elements, graph.formats[node.source], graph.shapes[node.source])
        elements = _settle(elements, ranges[node.name], graph.formats[node.name])
    constants = {number: element for number, element in enumerate(elements) if isinstance(element, int)}
    varying = [element for element in elements if not isinstance(element, int)]
    with patch("alkaid.trace.passes.canon.canonicalize_msb_wraps", lambda logic: logic):
        return Traced(trace(inputs, varying) if varying else None, constants)


def _settle(elements: list[Element], range_: Range, format_: Format) -> list[Element]:
    """Elements that are proven constant become their codes."""
    settled: list[Element] = []
    for element, low, high in zip(elements, range_.low.ravel(), range_.high.ravel(), strict=True):
        if low == high:
            settled.append(int(low))
        elif not isinstance(element, int) and element.low == element.high:
            settled.append(int(format_.to_codes(element.low)))
        else:
            settled.append(element)
    return settled


def _quantize(operation: Quantize, elements: list[Element], given: Format, shape: Shape) -> list[Element]:
    cast = operation.cast
    return [
        int(cast.codes(element, given.fraction)) if isinstance(element, int) else _cast(element, cast, given.fraction)
        for element in elements
    ]


def _cast(value: Variable, cast: Cast, fraction: int) -> Variable:
    """Rounding as an addition and a floor, then overflow. alkaid's own RND_CONV looks at wrong bits where a constant
    that was added before has other low bits than the rest."""
    ulp, unit = 2.0**-fraction, 2.0**-cast.format.fraction
    if unit > ulp:
        value = _upward(value, cast.rounding, ulp, unit)
    target = Bits.of(cast.format)
    if cast.overflow is not Overflow.SAT_ZERO:
        return value.quantize(*target, str(cast.overflow), "TRN")
    floored = value.quantize(True, max(int(value.kif[1]), 1 - target.fraction), target.fraction)
    low, high = cast.format.to_values([cast.format.min_code, cast.format.max_code])
    fits = (floored > float(high)).msb_mux(0.0, floored)
    return (floored < float(low)).msb_mux(0.0, fits).quantize(*target)


def _upward(value: Variable, rounding: Rounding, ulp: float, unit: float) -> Variable:
    """What is to be floored to multiples of `unit`, for a value that is a multiple of `ulp`."""
    half = unit / 2
    rounded: dict[Rounding, Callable[[], Variable]] = {
        Rounding.TRN: lambda: value,
        Rounding.TRN_ZERO: lambda: value + _negative(value) * (unit - ulp),
        Rounding.RND: lambda: value + half,
        Rounding.RND_MIN_INF: lambda: value + (half - ulp),
        Rounding.RND_INF: lambda: value + half - _negative(value) * ulp,
        Rounding.RND_ZERO: lambda: value + (half - ulp) + _negative(value) * ulp,
        Rounding.RND_CONV: lambda: value + (half - ulp) + _last_bit(value, unit) * ulp,
    }
    return rounded[rounding]()


def _negative(value: Variable) -> Variable:
    """1 where the value is below zero, else 0."""
    signed, integer, _ = value.kif
    return value.quantize(True, integer, -integer) * -(2.0**-integer) if signed else 0.0


def _last_bit(value: Variable, unit: float) -> Variable:
    """The bit that is worth `unit`, as 0 or 1."""
    fraction = -int(np.log2(unit))
    return value.quantize(False, 1 - fraction, fraction) * (1 / unit)


def _relu(operation: Relu, elements: list[Element], given: Format, shape: Shape) -> list[Element]:
    if not given.signed:
        return elements
    return [max(e, 0) if isinstance(e, int) else (e < 0.0).msb_mux(0.0, e) for e in elements]


def _flatten(operation: Flatten, elements: list[Element], given: Format, shape: Shape) -> list[Element]:
    return elements


def _linear(operation: Linear, elements: list[Element], given: Format, shape: Shape) -> list[Element]:
    """Each product cast to the accumulator's last bit, summed; the sum wraps once, which is the same."""
    which = np.arange(1, len(elements) + 1).reshape(1, *shape)
    patches = operation.patches(which)[0]  # which element stands where; 0 is padding
    constant = np.array([element if isinstance(element, int) else 0 for element in elements]).reshape(1, *shape)
    offsets = operation.run(constant, given).reshape(*patches.shape[:2], -1)  # what bias and constant elements give
    variable = np.array([0, *(not isinstance(element, int) for element in elements)], bool)
    products = Products(operation, given)
    sums: list[Element] = []
    for position, group in np.ndindex(patches.shape[:2]):
        numbers = patches[position, group]
        used = variable[numbers]
        terms = [(int(number), elements[number - 1]) for number in numbers[used]]
        sums += _position(products, terms, operation.matrix[group][used], offsets[position, group])
    return sums


def _position(products: "Products", terms: list[tuple[int, Variable]], matrix: Codes, offset: Codes) -> list[Element]:
    """The sums of one output position, one a channel: terms (element number, variable) times matrix, plus offset."""
    accumulator = products.operation.accumulator
    sums: list[Element] = []
    for parts, code in zip(products.of(terms, matrix), offset, strict=True):
        variables = [part for part in parts if part.low != part.high]
        dead = sum(part.low for part in parts if part.low == part.high)
        fixed = int(code) + int(np.ldexp(dead, accumulator.fraction))  # may leave the format: only the total wraps
        if variables:
            total = _sum(variables) + float(accumulator.to_values(fixed))
            sums.append(total.quantize(*Bits.of(accumulator)))
        else:
            sums.append(int(wrap(np.array(fixed), accumulator)))
    return sums


class Products:
    """The products of a linear operation, without the bits below the accumulator's last; equal ones are built once."""

    def __init__(self, operation: Linear, given: Format) -> None:
        self.operation = operation
        self.shift = given.fraction + operation.kernel_format.fraction - operation.accumulator.fraction
        self.built: dict[tuple[int, int], Variable] = {}

    def of(self, terms: list[tuple[int, Variable]], matrix: Codes) -> list[list[Variable]]:
        """For each column of `matrix` (terms, channels) of weight codes, what is to be added up.

        Weights that are multiples of 2**shift lose no bits: alkaid multiplies by that part of the matrix at once.
        """
        whole = matrix & ((1 << max(self.shift, 0)) - 1) == 0
        parts = self._at_once([variable for _, variable in terms], np.where(whole, matrix, 0))
        for part, column in zip(parts, np.where(whole, 0, matrix).T, strict=True):
            part.extend(self._cut(term, int(weight)) for term, weight in zip(terms, column, strict=True) if weight)
        return parts

    def _at_once(self, variables: list[Variable], matrix: Codes) -> list[list[Variable]]:
        from alkaid.trace import FVArray

        used, channels = matrix.any(axis=1), matrix.any(axis=0)
        parts: list[list[Variable]] = [[] for _ in range(matrix.shape[1])]
        if channels.any():
            given = FVArray(np.array(variables, object)[used], SOLVER)
            found = np.asarray(given @ self.operation.kernel_format.to_values(matrix[used][:, channels]), object)
            for channel, variable in zip(np.flatnonzero(channels), found, strict=True):
                parts[channel].append(variable)
        return parts

    def _cut(self, term: tuple[int, Variable], weight: int) -> Variable:
        number, variable = term
        if (number, weight) not in self.built:
            product = variable * float(self.operation.kernel_format.to_values(weight))
            fraction = self.operation.accumulator.fraction
            integer = max(int(product.kif[1]), 1 - fraction)  # wide enough never to wrap
            self.built[number, weight] = product.quantize(True, integer, fraction)
        return self.built[number, weight]


def _sum(parts: list[Variable]) -> Variable:
    """The sum, as a balanced tree."""
    from alkaid.trace import FVArray

    return np.sum(FVArray(np.array(parts, object), SOLVER))


LOGIC: dict[type[Operation], Callable[[Any, list[Element], Format, Shape], list[Element]]] = {
    Quantize: _quantize,
    Relu: _relu,
    Flatten: _flatten,
    Dense: _linear,
    Conv2D: _linear,
}
"""Operation -> its logic, given the operation, its input elements (flattened), their format and shape."""


class Core(NamedTuple):
    """alkaid's module: what its wrapper gives every element of the input and of the output port, and its figures.

    lut, ff: alkaid's estimates.
    """

    input: Bits
    output: Bits
    latency_cycles: int
    lut: int
    ff: int


def top_module(graph: Graph, core: Core | None, constants: dict[int, int]) -> str:
    """The top module: ports in the graph's formats around alkaid's core, whose ports are in formats of its own."""
    given, result = Bits.of(graph.input_format), Bits.of(graph.output_format)
    inputs, outputs = int(np.prod(graph.input_shape)), int(np.prod(graph.output_shape))
    parts = [
        f"assign {Lane('output_codes', number, result).slice} = {result.width}'d{code % 2**result.width};"
        for number, code in constants.items()
    ]
    if core is not None:
        varying = [number for number in range(outputs) if number not in constants]
        parts += [
            f"wire [{inputs * core.input.width - 1}:0] core_input;",
            f"wire [{len(varying) * core.output.width - 1}:0] core_output;",
            *(_assign(Lane("core_input", n, core.input), Lane("input_codes", n, given)) for n in range(inputs)),
            f"{CORE}_wrapper core (.clk(clk), .model_inp(core_input), .model_out(core_output));",
            *(
                _assign(Lane("output_codes", number, result), Lane("core_output", place, core.output))
                for place, number in enumerate(varying)
            ),
        ]
    body = "\n    ".join(parts)
    return f"""`timescale 1 ns / 1 ps

// {inputs} codes of {graph.input_format} in, {outputs} codes of {graph.output_format} out, element 0 in the lowest bits
module {TOP} (
    input clk,
    input [{inputs * given.width - 1}:0] input_codes,
    output [{outputs * result.width - 1}:0] output_codes
);

    {body}

endmodule
"""


class Lane(NamedTuple):
    """An element of a bus of equal elements."""

    bus: str
    number: int
    bits: Bits

    @property
    def first(self) -> int:
        """Where its lowest bit is."""
        return self.number * self.bits.width

    @property
    def slice(self) -> str:
        return f"{self.bus}[{self.first} +: {self.bits.width}]"


def _assign(to: Lane, source: Lane) -> str:
    """The same value in another format: bits taken off or put on at either end.

    Bits put on are zeros below and, above, copies of the sign (zeros if there is none).
    """
    given, wanted = source.bits, to.bits
    zeros = max(wanted.fraction - given.fraction, 0)
    dropped = max(given.fraction - wanted.fraction, 0)
    taken = min(given.width - dropped, wanted.width - zeros)
    above = wanted.width - zeros - taken
    parts = [f"{source.bus}[{source.first + dropped} +: {taken}]"]
    if above:
        sign = f"{source.bus}[{source.first + given.width - 1}]" if given.signed else "1'b0"
        parts.insert(0, f"{{{above}{{{sign}}}}}")
    if zeros:
        parts.append(f"{zeros}'d0")
    return f"assign {to.slice} = {{{', '.join(parts)}}};"


def write_core(logic: Any, latency_cutoff: float, folder: Path) -> Core:
    """Write alkaid's modules into `folder`."""
    from alkaid.codegen import RTLModel

    with tempfile.TemporaryDirectory() as scratch:
        model = RTLModel(logic, scratch, CORE, flavor="verilog", latency_cutoff=latency_cutoff, print_latency=False)
        model.write()
        for source in sorted(Path(scratch, "src").rglob("*.v")):
            shutil.copyfile(source, folder / source.name)
    (inputs,), (outputs,) = model.fsm.inp_signals, model.fsm.out_signals
    cost, registers = round(float(model._comb.cost)), int(model.reg_bits)
    return Core(_padded(inputs), _padded(outputs), int(outputs.schedule.bias), cost, registers)


def _padded(signal: Any) -> Bits:
    """The format that alkaid's wrapper gives every element of a port: the least that holds them all."""
    signed, integer, fraction = np.max(signal.precisions, axis=0)
    return Bits(bool(signed), int(integer), int(fraction))


def write_verilog(graph: Graph, traced: Traced, latency_cutoff: float, folder: Path) -> dict[str, Any]:
    """Write the design into `folder`; returns its figures: latency, interval, ports, alkaid's estimates.

    A design whose outputs are all constant has no core; its latency is given as 1.
    """
    core = write_core(traced.logic, latency_cutoff, folder) if traced.logic is not None else None
    (folder / f"{TOP}.v").write_text(top_module(graph, core, traced.constants))
    return {
        "top": TOP,
        "latency_cycles": core.latency_cycles if core else 1,
        "interval": 1,
        "ports": {
            "clk": "clock, rising edge",
            "input_codes": f"{int(np.prod(graph.input_shape))} x {graph.input_format}",
            "output_codes": f"{int(np.prod(graph.output_shape))} x {graph.output_format}",
        },
        "estimate": {"origin": "estimated", "lut": core.lut if core else 0, "ff": core.ff if core else 0},
    }


def sample_codes(format_: Format, shape: tuple[int, ...]) -> Codes:
    """Input codes for the check: uniform ones, sparse ones, and the two ends of the range; the same ones always."""
    rng = np.random.default_rng(0)
    codes = rng.integers(format_.min_code, format_.max_code, shape, endpoint=True)
    codes[::2] *= rng.random(codes[::2].shape) < SPARSE
    codes[0], codes[1] = format_.min_code, format_.max_code
    return codes


def mismatches(graph: Graph, traced: Traced, codes: Codes) -> int:
    """Wrong output codes of alkaid's interpreter on the traced logic, which the Verilog is written from."""
    expected = graph.run(codes).reshape(len(codes), -1)
    wrong = sum(int(np.count_nonzero(expected[:, number] != code)) for number, code in traced.constants.items())
    if traced.logic is not None:
        values = graph.input_format.to_values(codes.reshape(len(codes), -1))
        varying = [number for number in range(expected.shape[1]) if number not in traced.constants]
        found = np.ldexp(traced.logic.predict(values), graph.output_format.fraction)
        wrong += int(np.count_nonzero(found != expected[:, varying]))
    return wrong


def main() -> None:
    """Read graph and settings, trace, check, write the Verilog."""
    graph, folder = Graph.load(Path("graph")), Path("verilog")
    folder.mkdir()
    traced = trace_graph(graph)
    codes = sample_codes(graph.input_format, (CHECKED_ROWS, *graph.input_shape))
    if wrong := mismatches(graph, traced, codes):
        print(f"alkaid's logic differs from the graph: {wrong} wrong codes in {CHECKED_ROWS} rows")
        sys.exit(WRONG_LOGIC)
    write_json(folder / "design.json", write_verilog(graph, traced, float(sys.argv[1]), folder))


if __name__ == "__main__":
    main()
