"""What all kernels have: a struct of types and constants, and the elementwise nodes that follow in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from qcompress.targets.cpp.program import Buffer, Group, Program
from qcompress.targets.cpp.source import Source, comment
from qcompress.targets.cpp.types import Bounds, Step, arithmetic_type, step


def finish(program: Program, group: Group, start: Bounds, first: Step | None = None) -> tuple[list[str], Bounds]:
    """Statements of the elementwise nodes of group behind its kernel, and the bounds of all that they hold.

    program: that the group is of; start: bounds of what the kernel gives; first: a step before those of the nodes.
    """
    lines, held, bounds = [], [start], start
    formats = program.graph.formats
    steps = [first] if first else []
    for node in group.tail:
        done = steps[-1].result if steps else bounds
        steps.append(step(node.operation, formats[node.source], done))
    for each in steps:
        lines += each.lines
        held += [each.held, each.result]
    return lines, Bounds.around(held)


def sum_type_of(program: Program, group: Group, held: Bounds) -> str:
    """The integer that the kernel of group in program computes with; raises Refused beyond 64 bits.

    held: bounds of all that is in its registers but its inputs and its result.
    """
    inputs = [buffer.bounds for buffer in program.inputs(group)]
    everything = Bounds.around([held, program.buffer(group.last).bounds, *inputs])
    return arithmetic_type(everything, f"node {group.head.name}")


@contextmanager
def kernel_struct(
    program: Program, group: Group, name: str, inputs: Sequence[Buffer], sum_type: str | None
) -> Iterator[Source]:
    """Write struct `name` of the kernel of group in program: its types, then what the caller writes to the source.

    inputs: the buffers it reads, all of one type; sum_type: None where nothing is computed.
    """
    source, formats, result = program.source, program.graph.formats, program.buffer(group.last)
    chain = [f"{n.name}: {type(n.operation).__name__} {formats[n.name]}" for n in (group.head, *group.tail)]
    source.line(f"// {comment(' -> '.join(chain))}")
    with source.block(f"struct {name}", "};"):
        source.line(f"using In = {inputs[0].type};", f"using Out = {result.type};")
        if sum_type is not None:
            source.line(f"using Sum = {sum_type};")
        yield source
    source.line("")


def write_finish(source: Source, lines: Sequence[str]) -> None:
    """Write to source the function that runs lines, the elementwise statements, on a value v."""
    with source.block("template <class A, class V> static inline V finish(V v)"):
        source.line(*lines, "return v;")
