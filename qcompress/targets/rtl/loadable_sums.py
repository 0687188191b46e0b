"""The module of one sum of products of a layer: products, each cast to the accumulator, and their tree of adders."""

from collections.abc import Sequence

from qcompress.fixedpoint import product_format
from qcompress.targets.rtl.loadable_elements import adder, product
from qcompress.targets.rtl.loadable_layers import Layer
from qcompress.targets.rtl.verilog import Lane, Verilog, bits, element, zeros


def sum_module(source: Verilog, layer: Layer) -> None:
    """Write NAME_sum of layer to source: `width` products, each cast to the accumulator's last bit, and their sum."""
    kernel = layer.operation.kernel_format
    ports = (
        "input clk",
        f"input {bits(layer.width * layer.given.width)} window",
        f"input {bits(layer.width * kernel.width)} weights",
        f"output {bits(layer.sum_width)} sum",
    )
    write = _product if layer.products == 1 else _product_in_two
    with source.module(f"{layer.name}_sum", *ports):
        lanes = [write(source, layer, term) for term in range(layer.width)]
        lanes = registered(source, lanes)
        for level in range(layer.levels):
            pairs = list(zip(lanes[::2], lanes[1::2], strict=False))
            add = adder(source, layer.operation.accumulator.width)
            sums = [add(f"sum_{level}_{n}", a, b) for n, (a, b) in enumerate(pairs)]
            lanes = sums + lanes[2 * len(pairs) :]
            if (level + 1) % layer.adders == 0 or level + 1 == layer.levels:
                lanes = registered(source, lanes)
        source.line(f"assign sum = {lanes[0].resized(layer.sum_width)};")


def _operands(source: Verilog, layer: Layer, term: int) -> tuple[Lane, Lane, Lane]:
    """Value and weight of a term, and the lane of their product, which is not written yet."""
    kernel = layer.operation.kernel_format
    value, weight = Lane.of(f"value_{term}", layer.given), Lane.of(f"weight_{term}", kernel)
    source.line(f"wire {value.declared} = {element('window', term, value.width)};")
    source.line(f"wire {weight.declared} = {element('weights', term, weight.width)};")
    return value, weight, Lane.of(f"product_{term}", product_format(layer.given, kernel))


def _product(source: Verilog, layer: Layer, term: int) -> Lane:
    """A product, cast."""
    value, weight, whole = _operands(source, layer, term)
    source.line(f"wire {whole.declared} = {product(value, weight, whole.width)};")
    return _cast(source, layer, whole, term)


def _product_in_two(source: Verilog, layer: Layer, term: int) -> Lane:
    """A product in look-up tables, cast: with the low half of the weight's bits and with the others, then their sum.

    Multipliers of a device stand in few columns, and the wires to them and back are long.
    """
    value, weight, whole = _operands(source, layer, term)
    half = weight.width // 2
    cuts = [(0, half), (half, weight.width)] if half else [(0, weight.width)]
    parts = registered(source, [_partial(source, value, weight, low, high) for low, high in cuts])
    if half:
        added = f"{parts[0].resized(whole.width)} + {parts[1].shifted(half, whole.width)}"
    else:
        added = parts[0].resized(whole.width)
    source.line(f"wire {whole.declared} = {added};")
    return _cast(source, layer, whole, term)


def _partial(source: Verilog, value: Lane, weight: Lane, low: int, high: int) -> Lane:
    """A value times the bits low..high-1 of a weight, the lowest of them counted as 1: a tree of adders."""
    made = Lane(f"{value.name}_by_{low}_{high}", value.width + high - low, value.signed or _negative(weight, high))
    if high - low == 1:
        once = _masked(source, value, weight, low)
        less = f"{zeros(made.width)} - " if _negative(weight, high) else ""
        source.line(f"wire {made.declared} = {less}{once.resized(made.width)};")
        return made
    middle = low + (high - low) // 2
    first = _partial(source, value, weight, low, middle)
    if high - middle == 1:  # the bit of the sign counts negative
        second, sign = _masked(source, value, weight, middle), "-" if _negative(weight, high) else "+"
    else:
        second, sign = _partial(source, value, weight, middle, high), "+"
    shifted = second.shifted(middle - low, made.width)
    source.line(f"wire {made.declared} = {first.resized(made.width)} {sign} {shifted};")
    return made


def _negative(weight: Lane, high: int) -> bool:
    """Whether the bit below `high` is the sign of a weight."""
    return weight.signed and high == weight.width


def _masked(source: Verilog, value: Lane, weight: Lane, place: int) -> Lane:
    """A value, or 0 where a bit of a weight is 0."""
    once = value._replace(name=f"{value.name}_if_{place}")
    source.line(f"wire {once.declared} = {value.name} & {{{value.width}{{{weight.name}[{place}]}}}};")
    return once


def _cast(source: Verilog, layer: Layer, whole: Lane, term: int) -> Lane:
    """A product of the given lane in the accumulator's last bit, not yet wrapped."""
    full = product_format(layer.given, layer.operation.kernel_format)
    cast = layer.product_lane._replace(name=f"cast_{term}")
    shift = layer.operation.accumulator.fraction - full.fraction
    source.line(f"wire {cast.declared} = {whole.shifted(shift, cast.width)};")
    return cast


def registered(source: Verilog, lanes: Sequence[Lane]) -> list[Lane]:
    """The same lanes a clock cycle later."""
    later = [lane._replace(name=f"{lane.name}_q") for lane in lanes]
    source.line(*(f"reg {lane.declared};" for lane in later))
    with source.block("always @(posedge clk) begin"):
        source.line(*(f"{new.name} <= {old.name};" for new, old in zip(later, lanes, strict=True)))
    return later
