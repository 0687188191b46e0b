"""Elements with number formats or tables of their own, in Verilog with loadable weights: a module for every kind."""

from math import prod

from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Each, Node, Quantize, QuantizeEach, TableEach
from qcompress.targets.rtl.loadable_elements import element_module
from qcompress.targets.rtl.loadable_writer import Writer, bus_name
from qcompress.targets.rtl.verilog import Lane, Verilog, bits, element, number, zeros


def each_lanes(writer: Writer, node: Node, operation: Each, bus: str) -> list[list[str]]:
    """Lines of the top module that give the elements of node from those on bus; the modules go to the writer."""
    name, given = bus_name(writer.graph, node), writer.graph.formats[node.source]
    kinds = operation.kind_of_each(writer.graph.shapes[node.source]).tolist()
    if isinstance(operation, TableEach):
        for kind in sorted(set(kinds)):
            _table_module(writer.modules, f"{name}_kind_{kind}", operation, kind, given)
        result = operation.format
        return [
            [
                f"{name}_kind_{kind} {name}__{place} (.in_0({element(bus, place, given.width)}), "
                f".out({element(name, place, result.width)}));"
                for place, kind in enumerate(kinds)
            ]
        ]
    assert isinstance(operation, QuantizeEach)  # noqa: S101 - the only other one
    for kind in sorted(set(kinds)):
        if (cast := operation.casts[kind]) is not None:
            element_module(writer.modules, f"{name}_kind_{kind}", Quantize(cast), [given], cast.format)
    return [
        _cast(name, place, kind, operation, element(bus, place, given.width))
        for place, kind in zip(range(prod(writer.graph.shapes[node.source])), kinds, strict=True)
    ]


def _cast(name: str, place: int, kind: int, operation: QuantizeEach, given: str) -> list[str]:
    """An element in its own format, then in that of all."""
    cast: Cast | None = operation.casts[kind]
    width, result = operation.format.width, element(name, place, operation.format.width)
    if cast is None:
        return [f"assign {result} = {zeros(width)};"]
    own = Lane.of(f"{name}__{place}_own", cast.format)
    return [
        f"wire {own.declared};",
        f"{name}_kind_{kind} {name}__{place} (.in_0({given}), .out({own.name}));",
        f"assign {result} = {own.shifted(operation.gains()[kind], width)};",
    ]


def _table_module(source: Verilog, name: str, operation: TableEach, kind: int, given: Format) -> None:
    """Write module `name` to source: the table of a kind, over codes of format given."""
    _, drop, width = operation.parameters[kind].tolist()
    to, codes = operation.format, operation.table(kind).tolist()
    with source.module(name, f"input {bits(given.width)} in_0", f"output {bits(to.width)} out"):
        if width == 0:
            source.line(f"assign out = {number(codes[0], to.width)};")
            return
        place = Lane.of("in_0", given).shifted(-drop, width)
        source.line(f"wire {bits(width)} place = {place};", f"reg {bits(to.width)} entry;", "assign out = entry;")
        with source.block("always @* begin"), source.block("case (place)", "endcase"):
            for at, code in enumerate(codes):
                source.line(f"{number(at, width)}: entry = {number(code, to.width)};")
            source.line(f"default: entry = {zeros(to.width)};")
