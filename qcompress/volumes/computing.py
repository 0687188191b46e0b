"""Rows of a volume through a network, in whichever process they are computed."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.candidate.emulation import Emulation
from qcompress.errors import OffGrid, QcompressError
from qcompress.fixedpoint import Format
from qcompress.graph.input_grid import MODE
from qcompress.graph.ports import Port
from qcompress.volumes.columns import Arrays, Column
from qcompress.volumes.faults import first_bad
from qcompress.volumes.parts import Parts
from qcompress.volumes.plan import Span, Work
from qcompress.volumes.volume import Part

FLOAT_BITS = 24
"""Codes of this many bits are exact in float32."""
DOUBLE = 1 << 53
"""Whole numbers up to this one are exact in float64."""
OPENED: dict[object, Emulation] = {}
"""Of this process: the last one that was opened, by what it was opened from."""


def value_dtype(emulation: Emulation) -> np.dtype[Any]:
    """Of the real results of an emulation: float32 where it holds every code of every output, else float64."""
    widest = max(port.format.width for port in emulation.outputs)
    return np.dtype(np.float32 if widest <= FLOAT_BITS else np.float64)


def output_column(port: Port, name: str, emulation: Emulation, codes: bool) -> Column:
    """The column called `name` that the output `port` becomes; one of a single element becomes numbers.

    emulation: what computes it; codes: whether it gives codes, not real values.
    """
    dtype = _code_dtype(port.format) if codes else value_dtype(emulation)
    return Column(name, str(dtype), dtype, () if port.size == 1 else port.shape)


class Computed(NamedTuple):
    """The output's columns of some rows, and how many of their input values were cut to the ends of a format."""

    arrays: Arrays
    cut: int


def computed(work: Work, emulation: Emulation, part: Part) -> Computed:
    """The output's columns of some rows.

    work: which columns are which; emulation: what computes; part: the rows of the input. Raises QcompressError naming
    file, column and row of the first that has no code.
    """
    given = {each.port.name: _prepared(each.taken(part.arrays), work.codes) for each in work.bindings}
    if not work.codes:
        _refuse_large(work, given, part)
    cut = 0
    if work.quantize:
        near = emulation.on_grid(given)
        given, cut = dict(near.values), sum(near.cut.values())
    try:
        made = emulation.run_narrow(given) if work.codes else emulation.predict(given, value_dtype(emulation))
    except QcompressError as fault:
        bad = first_bad(emulation.stage, work.bindings, given, work.codes)
        if bad is None:
            raise QcompressError(f"{part.path}, rows from {part.row} on: {fault}") from None
        said = f"{part.path}: column {bad.column}, row {part.row + bad.row} (from 0): {bad.told}"
        way = f"; --quantize-input does, {MODE}" if isinstance(fault, OffGrid) else ""
        raise QcompressError(f"{said}{way}") from None
    found = {name: part.arrays[column] for column, name in work.kept.items()}
    shapes = {column.name: column.shape or () for column in work.written}
    for output, name in work.outputs.items():
        found[name] = made[output].reshape(len(made[output]), *shapes[name])
    return Computed(found, cut)


def compute(
    parts: Parts, threads: int, job: tuple[Work, Span], told: Callable[[int], None] | None = None
) -> Span | str:
    """Compute the rows of a job, a span of them, into a part; returns the span, or what was wrong, in one line.

    parts: where it is written; threads: that share the rows of a batch; told: called with every number of rows that is
    done.
    """
    work, span = job
    try:
        emulation = _emulation(work, threads)
        work.volume.check_unchanged(*span)
        with parts.written(span) as writer:
            for part in work.volume.batches(*span, work.batch_rows):
                found = computed(work, emulation, part)
                writer.append(found.arrays)
                writer.cut += found.cut
                if told is not None:
                    told(len(next(iter(found.arrays.values()))))
        work.volume.check_unchanged(*span)
    except QcompressError as fault:
        return str(fault)
    except OSError as fault:
        return f"{parts.folder}: cannot be written ({fault.strerror or fault})"
    return span


def _emulation(work: Work, threads: int) -> Emulation:
    """Opened once in a process."""
    key = (work.candidate, work.network, work.stages, work.arithmetic, threads)
    if (found := OPENED.get(key)) is None:  # threads of one worker may all come here at once
        found = work.emulation(threads)
        OPENED.clear()
        OPENED[key] = found
    return found


def _prepared(array: npt.NDArray[Any], codes: bool) -> npt.NDArray[Any]:
    """In the machine's byte order and a type that the network's body takes."""
    kind = array.dtype
    if codes:
        return array.astype(kind.newbyteorder("="), copy=False)
    small = kind.itemsize <= 2 or kind == np.float32
    return array.astype(np.float32 if small else kind.newbyteorder("="), copy=False)


def _refuse_large(work: Work, given: Arrays, part: Part) -> None:
    """Raises QcompressError for whole numbers that float64 does not hold."""
    for each in work.bindings:
        array = given[each.port.name]
        if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
            large = ((array > DOUBLE) | (array < -DOUBLE)).reshape(len(array), -1)
            if large.any():
                row = int(np.argmax(large.any(axis=1)))
                column = each.column_of(int(np.argmax(large[row])))
                said = f"{part.path}: column {column}, row {part.row + row} (from 0)"
                raise QcompressError(f"{said}: is more than 2^53, which is no exact real value; --codes takes integers")


def _code_dtype(form: Format) -> np.dtype[Any]:
    from qcompress.targets.cpp.emulator import native_dtype

    return native_dtype(form)
