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

import numpy as np

from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Operation, Quantize
from qcompress.graph.operations import Linear
from qcompress.graph.stage import Shape
from qcompress.targets.hls import chain
from qcompress.targets.record import write_json
from qcompress.targets.rtl import TOP

CORE = "qcompress_core"
"""alkaid's module; its ports are as wide as the values need."""

Variables = Any
"""alkaid's FVArray: symbolic numbers, flattened, that remember how they were computed."""


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


def trace_graph(graph: Graph) -> Any:
    """The combinational logic (alkaid's CombLogic) of the whole graph."""
    from alkaid.trace import FVArrayInput, HWConfig, trace

    inputs = FVArrayInput((int(np.prod(graph.input_shape)),), HWConfig(1, -1, -1))
    values = inputs.quantize(*Bits.of(graph.input_format))
    for node in chain(graph):
        logic = LOGIC[type(node.operation)]
        values = logic(node.operation, values, graph.formats[node.source], graph.shapes[node.source])
    return trace(inputs, values)


def _quantize(operation: Quantize, values: Variables, given: Format, shape: Shape) -> Variables:
    cast = operation.cast
    return values.quantize(*Bits.of(cast.format), str(cast.overflow), str(cast.rounding))


def _flatten(operation: Flatten, values: Variables, given: Format, shape: Shape) -> Variables:
    return values


def _linear(operation: Linear, values: Variables, given: Format, shape: Shape) -> Variables:
    """Each product cast to the accumulator's last bit, summed; the sum wraps once, which is the same."""
    from alkaid.trace import FVArray

    element = np.arange(1, values.size + 1).reshape(1, *shape)
    patches = operation.patches(element)[0]  # which element stands where; 0 is padding
    shift = given.fraction + operation.kernel_format.fraction - operation.accumulator.fraction
    whole = _loses_nothing(operation.matrix, shift)
    bias = operation.accumulator.to_values(operation._bias())
    products: dict[tuple[int, int], Any] = {}
    sums = []
    for patch in patches:
        used = patch > 0
        terms, matrix = patch[used] - 1, operation.matrix[used]
        exact = np.where(whole[used], matrix, 0)
        rest = np.where(whole[used], 0, matrix)
        parts = operation.kernel_format.to_values(exact)
        position = np.asarray(values[terms] @ parts, object) if exact.any() else np.zeros(bias.shape, object)
        for channel, weights in enumerate(rest.T):
            floored = [
                _product(operation, values, int(t), int(w), products) for t, w in zip(terms, weights, strict=True) if w
            ]
            position[channel] = _sum([position[channel], *floored, float(bias[channel])], values)
        sums.append(position)
    return FVArray(np.concatenate(sums), hwconf=values.hwconf).quantize(*Bits.of(operation.accumulator))


def _loses_nothing(matrix: Codes, shift: int) -> Any:
    """Which weights are multiples of 2**shift: their products have no bits below the accumulator's last."""
    return matrix & ((1 << max(shift, 0)) - 1) == 0


def _product(operation: Linear, values: Variables, term: int, weight: int, products: dict[tuple[int, int], Any]) -> Any:
    """Input `term` times a weight code, bits below the accumulator's last dropped; equal products are built once."""
    if (term, weight) not in products:
        product = values[term] * float(operation.kernel_format.to_values(weight))
        if not isinstance(product, float):
            _, integer, _ = product.kif
            product = product.quantize(
                True, max(int(integer), 1 - operation.accumulator.fraction), operation.accumulator.fraction
            )
        products[term, weight] = product
    return products[term, weight]


def _sum(terms: list[Any], like: Variables) -> Any:
    """Sum of symbolic numbers and constants, as a balanced tree."""
    from alkaid.trace import FVArray

    symbolic = [term for term in terms if not isinstance(term, int | float)]
    constant = sum(term for term in terms if isinstance(term, int | float))
    if not symbolic:
        return float(constant)
    return np.sum(FVArray(np.array(symbolic, object), hwconf=like.hwconf)) + float(constant)


LOGIC: dict[type[Operation], Callable[[Any, Variables, Format, Shape], Variables]] = {
    Quantize: _quantize,
    Flatten: _flatten,
    Dense: _linear,
    Conv2D: _linear,
}
"""Operation -> its logic, given the operation, its input variables (flattened), their format and shape."""


def top_module(graph: Graph, core_input: Bits, core_output: Bits) -> str:
    """The top module: ports in the graph's formats around alkaid's core, whose ports may be narrower."""
    inputs, outputs = int(np.prod(graph.input_shape)), int(np.prod(graph.output_shape))
    given, result = Bits.of(graph.input_format), Bits.of(graph.output_format)
    low = given.fraction - core_input.fraction
    taken = f"input_codes[i*{given.width} + {low} +: {core_input.width}]"
    code = f"core_output[i*{core_output.width} +: {core_output.width}]"
    sign = f"core_output[i*{core_output.width} + {core_output.width - 1}]" if core_output.signed else "1'b0"
    zeros = result.fraction - core_output.fraction
    signs = result.width - core_output.width - zeros
    parts = [f"{{{signs}{{{sign}}}}}"] * (signs > 0) + [code] + [f"{zeros}'b0"] * (zeros > 0)
    return f"""`timescale 1 ns / 1 ps

// {inputs} codes of {graph.input_format} in, {outputs} codes of {graph.output_format} out, element 0 in the lowest bits
module {TOP} (
    input clk,
    input [{inputs * given.width - 1}:0] input_codes,
    output [{outputs * result.width - 1}:0] output_codes
);

    wire [{inputs * core_input.width - 1}:0] core_input;
    wire [{outputs * core_output.width - 1}:0] core_output;

    genvar i;
    generate
        for (i = 0; i < {inputs}; i = i + 1) begin: inputs
            assign core_input[i*{core_input.width} +: {core_input.width}] = {taken};
        end
        for (i = 0; i < {outputs}; i = i + 1) begin: outputs
            assign output_codes[i*{result.width} +: {result.width}] = {{{", ".join(parts)}}};
        end
    endgenerate

    {CORE}_wrapper core (.clk(clk), .model_inp(core_input), .model_out(core_output));

endmodule
"""


def write_verilog(graph: Graph, latency_cutoff: float, folder: Path) -> dict[str, Any]:
    """Write the design into `folder`; returns its figures: latency, interval, ports, alkaid's cost estimate."""
    from alkaid.codegen import RTLModel

    logic = trace_graph(graph)
    with tempfile.TemporaryDirectory() as scratch:
        model = RTLModel(logic, scratch, CORE, flavor="verilog", latency_cutoff=latency_cutoff, print_latency=False)
        model.write()
        for source in sorted(Path(scratch, "src").rglob("*.v")):
            shutil.copyfile(source, folder / source.name)
    core_input, core_output = (_padded(signals) for signals in (model.fsm.inp_signals, model.fsm.out_signals))
    (folder / f"{TOP}.v").write_text(top_module(graph, core_input, core_output))
    (output,) = model.fsm.out_signals
    return {
        "top": TOP,
        "latency_cycles": int(output.schedule.bias),
        "interval": 1,
        "ports": {
            "clk": "clock, rising edge",
            "input_codes": f"{int(np.prod(graph.input_shape))} x {graph.input_format}",
            "output_codes": f"{int(np.prod(graph.output_shape))} x {graph.output_format}",
        },
        "estimate": {"origin": "estimated", "lut": round(float(model._comb.cost)), "ff": int(model.reg_bits)},
    }


def _padded(signals: Any) -> Bits:
    """The format that alkaid's wrapper gives every element of its one input or output port."""
    (signal,) = signals
    signed, integer, fraction = np.max(signal.precisions, axis=0)
    return Bits(bool(signed), int(integer), int(fraction))


def main() -> None:
    """Read graph and settings, write the Verilog."""
    folder = Path("verilog")
    folder.mkdir()
    write_json(folder / "design.json", write_verilog(Graph.load(Path("graph")), float(sys.argv[1]), folder))


if __name__ == "__main__":
    main()
