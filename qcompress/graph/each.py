"""Operations in which every element has a number format, or a table, of its own.

Their parameters are arrays that broadcast against the shape of a row, as NumPy does: (8,) is one parameter for each
channel of an image, (1, 1) the same for all elements of a matrix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import MAX_WIDTH, Cast, Codes, Format, Overflow, Rounding
from qcompress.graph.alike import alike
from qcompress.graph.elementwise import MAX_TABLE_BITS, Quantize
from qcompress.graph.operation import Range, Unary
from qcompress.graph.stage import Shape


class Each(Unary):
    """An operation on every element by itself, of one of several kinds."""

    @property
    def kinds(self) -> Codes:
        """The kind of every element, an array that broadcasts against the shape of a row."""
        raise NotImplementedError

    def output_shape(self, shape: Shape) -> Shape:
        try:
            fits = np.broadcast_shapes(self.kinds.shape, shape) == tuple(shape)
        except ValueError:
            fits = False
        if not fits:
            raise QcompressError(f"{type(self).__name__} with parameters of shape {self.kinds.shape} after {shape}")
        return shape

    def kind_of_each(self, shape: Shape) -> Codes:
        """The kind of every element of `shape`, flattened."""
        return np.broadcast_to(self.kinds, shape).reshape(-1)


@dataclass(frozen=True, eq=False)
class QuantizeEach(Each):
    """A cast of every element to a number format of its own; the output format holds the codes of all of them.

    signed (0 or 1), width and integer: as of a `Format`; an element of no bits (width 0) becomes 0.
    """

    signed: Codes
    width: Codes
    integer: Codes
    rounding: Rounding
    overflow: Overflow

    def __post_init__(self) -> None:
        given = _together(signed=self.signed, width=self.width, integer=self.integer)
        signed, width = given["signed"], given["width"]
        if ((signed != 0) & (signed != 1)).any() or (width < 0).any() or (width > MAX_WIDTH).any():
            raise QcompressError(f"formats of each element: signed must be 0 or 1, width 0 to {MAX_WIDTH} bits")
        for name, values in given.items():
            object.__setattr__(self, name, values)
        object.__setattr__(self, "rounding", Rounding(self.rounding))
        object.__setattr__(self, "overflow", Overflow(self.overflow))
        self.format  # noqa: B018 - raises if they are too far apart

    @cached_property
    def _distinct(self) -> tuple[Codes, Codes]:
        """Signed, width and integer (kinds, 3), and the kind of every element."""
        live = self.width > 0
        rows = np.stack([np.where(live, part, 0) for part in (self.signed, self.width, self.integer)], axis=-1)
        found, kinds = np.unique(rows.reshape(-1, 3), axis=0, return_inverse=True)
        return found, kinds.reshape(self.width.shape)

    @property
    def kinds(self) -> Codes:
        return self._distinct[1]

    @cached_property
    def casts(self) -> tuple[Cast | None, ...]:
        """The cast of every kind, None where nothing is left."""
        formats = [Format(bool(s), w, i) if w else None for s, w, i in self._distinct[0].tolist()]
        return tuple(Cast(each, self.rounding, self.overflow) if each else None for each in formats)

    @cached_property
    def format(self) -> Format:
        """The narrowest format that holds every code of each element's format."""
        formats = [cast.format for cast in self.casts if cast is not None]
        if not formats:
            return Format(False, 1, 1)
        signed = any(each.signed for each in formats)
        fraction = max(each.fraction for each in formats)
        integer = max(each.integer + (signed and not each.signed) for each in formats)
        return Format(signed, integer + fraction, integer)

    def gains(self) -> list[int]:
        """By kind: how many bits behind its own last one the output format has."""
        return [self.format.fraction - cast.format.fraction if cast else 0 for cast in self.casts]

    def output_format(self, input_format: Format) -> Format:
        return self.format

    def run(self, codes: Codes, input_format: Format) -> Codes:
        flat = codes.reshape(len(codes), -1)
        kinds = self.kind_of_each(codes.shape[1:])
        result = np.zeros_like(flat)
        for kind, (cast, gain) in enumerate(zip(self.casts, self.gains(), strict=True)):
            if cast is not None:
                place = np.flatnonzero(kinds == kind)
                result[:, place] = cast.codes(flat[:, place], input_format.fraction) << gain
        return result.reshape(codes.shape)

    def output_range(self, range_: Range, input_format: Format) -> Range:
        low, high = (np.zeros(range_.low.size, np.int64) for _ in range(2))
        kinds = self.kind_of_each(range_.low.shape)
        for kind, (cast, gain) in enumerate(zip(self.casts, self.gains(), strict=True)):
            if cast is not None:
                place = np.flatnonzero(kinds == kind)
                part = Range(range_.low.ravel()[place], range_.high.ravel()[place])
                found = Quantize(cast).output_range(part, input_format)
                low[place], high[place] = found.low << gain, found.high << gain
        return Range(low.reshape(range_.low.shape), high.reshape(range_.low.shape))


@dataclass(frozen=True, eq=False)
class TableEach(Each):
    """A look-up of every element in a table of its own: part of a code is the place in the table.

    The output code is entries[start + place], in `format`; place: the code without its lowest `drop` bits, of which
    the lowest `width` are taken. Elements with equal tables share entries.
    """

    entries: Codes
    start: Codes
    drop: Codes
    width: Codes
    format: Format

    def __post_init__(self) -> None:
        entries = np.array(self.entries, np.int64).reshape(-1)
        if outside := int(np.count_nonzero(~self.format.contains(entries))):
            raise QcompressError(f"{outside} table codes are outside {self.format}")
        given = _together(start=self.start, drop=self.drop, width=self.width)
        width, start = given["width"], given["start"]
        if (width < 0).any() or (width > MAX_TABLE_BITS).any() or (given["drop"] < 0).any():
            raise QcompressError(f"tables of each element: give places of 0 to {MAX_TABLE_BITS} bits, drop 0 or more")
        if (start < 0).any() or (start + (1 << width) > entries.size).any():
            raise QcompressError(f"tables of each element end behind their {entries.size} entries")
        entries.flags.writeable = False
        given["drop"] = np.minimum(given["drop"], MAX_WIDTH)
        for name, values in {"entries": entries, **given}.items():
            object.__setattr__(self, name, values)

    @classmethod
    def of(cls, tables: Sequence[Codes], drop: Codes, format_: Format) -> "TableEach":
        """Tables of all elements, flattened, each of 2**bits codes in `format_`; equal ones are kept once.

        drop: bits that each element drops, in the shape of the elements.
        """
        known: dict[bytes, int] = {}
        kept: list[Codes] = []
        start: list[int] = []
        size = 0
        for table in tables:
            codes = np.asarray(table, np.int64)
            key = codes.tobytes()
            if key not in known:
                known[key] = size
                kept.append(codes)
                size += codes.size
            start.append(known[key])
        shape = np.shape(drop)
        bits = np.array([len(table).bit_length() - 1 for table in tables], np.int64)
        return cls(np.concatenate(kept), np.reshape(start, shape), np.asarray(drop), bits.reshape(shape), format_)

    @cached_property
    def _distinct(self) -> tuple[Codes, Codes]:
        rows = np.stack([self.start, self.drop, self.width], axis=-1).reshape(-1, 3)
        found, kinds = np.unique(rows, axis=0, return_inverse=True)
        return found, kinds.reshape(self.start.shape)

    @property
    def kinds(self) -> Codes:
        return self._distinct[1]

    @property
    def parameters(self) -> Codes:
        """start, drop and width of every kind, (kinds, 3)."""
        return self._distinct[0]

    def table(self, kind: int) -> Codes:
        """The entries of a kind, by place."""
        start, _, width = self.parameters[kind].tolist()
        return self.entries[start : start + (1 << width)]

    def look_up(self, codes: Codes, kind: Any) -> Codes:
        """What codes become in the table of kind; a number, or an array of kinds."""
        start, drop, width = np.moveaxis(self.parameters[kind], -1, 0)
        return np.asarray(self.entries[start + ((codes >> drop) & ((1 << width) - 1))])

    def output_format(self, input_format: Format) -> Format:
        return self.format

    def run(self, codes: Codes, input_format: Format) -> Codes:
        kinds = self.kind_of_each(codes.shape[1:])
        return self.look_up(codes.reshape(len(codes), -1), kinds).reshape(codes.shape)

    def output_range(self, range_: Range, input_format: Format) -> Range:
        each = np.stack([range_.low.ravel(), range_.high.ravel(), self.kind_of_each(range_.low.shape)], axis=1)
        first, kind = alike(each)
        ends = np.array([self._ends(*row) for row in each[first].tolist()], np.int64)[kind]
        return Range(ends[:, 0].reshape(range_.low.shape), ends[:, 1].reshape(range_.low.shape))

    def _ends(self, low: int, high: int, kind: int) -> tuple[int, int]:
        """Smallest and largest entry that codes from low to high meet."""
        _, drop, width = self.parameters[kind].tolist()
        first, count = low >> drop, (high >> drop) - (low >> drop) + 1
        table = self.table(kind)
        met = table if count >= len(table) else table[np.arange(first, first + count) & ((1 << width) - 1)]
        return int(met.min()), int(met.max())


def _together(**arrays: Any) -> dict[str, Codes]:
    """Arrays of integers, broadcast against each other, that nobody changes."""
    given = [np.asarray(values, np.int64) for values in arrays.values()]
    try:
        found = [np.array(values) for values in np.broadcast_arrays(*given)]
    except ValueError:
        shapes = ", ".join(f"{name} {np.shape(values)}" for name, values in arrays.items())
        raise QcompressError(f"parameters of each element do not fit together: {shapes}") from None
    for values in found:
        values.flags.writeable = False
    return dict(zip(arrays, found, strict=True))
