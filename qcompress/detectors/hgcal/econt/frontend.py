"""The front end of the chip: input codes -> calibrated charges -> the normalised image of the encoder."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qcompress.detectors.hgcal.econt.numbers import (
    CALIBRATION_MAX,
    CALIBRATION_ONE,
    INPUT_CODES,
    TRIGGER_CELLS,
    Density,
    bit_length,
    calibrate,
    decode,
)
from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.fixedpoint import Codes, Format

TC_ORDERS = ("msb", "lsb")
OF_MODULES = "calibration_of_modules"
"""Key of a candidate's front end: "transverse" where modules have CAL of their own."""
MAX_DROP = 4
"""`AlgoDroplsb`: a larger register value acts as 0."""
IMAGE_SHAPE = (8, 8, 1)
IMAGE_FORMAT = Format(False, 8, 1)


@dataclass(frozen=True)
class FrontEnd:
    """What the chip does before its algorithms.

    density: unit of the input codes; drop: lowest bits dropped from charges that are sent, 0..4;
    calibration: CAL of the 48 positions after the mux, 0..4095, 2048 = 1.0; mux[i]: which input TC feeds
    position i; tc_order: "msb" or "lsb", how the input TCs are numbered within a word.
    """

    density: Density
    drop: int
    calibration: tuple[int, ...]
    mux: tuple[int, ...]
    tc_order: str = "msb"

    def __post_init__(self) -> None:
        if self.density not in list(Density):
            raise QcompressError(f"front end: density {self.density!r} is neither HD (3) nor LD (1)")
        object.__setattr__(self, "density", Density(self.density))
        object.__setattr__(self, "drop", _integers("drop", [self.drop], 1, MAX_DROP)[0])
        object.__setattr__(
            self, "calibration", _integers("calibration", self.calibration, TRIGGER_CELLS, CALIBRATION_MAX)
        )
        object.__setattr__(self, "mux", _integers("mux", self.mux, TRIGGER_CELLS, TRIGGER_CELLS - 1))
        if self.tc_order not in TC_ORDERS:
            raise QcompressError(f"front end: tc_order {self.tc_order!r} is neither msb nor lsb")

    @classmethod
    def autoencoder(cls, mux: Iterable[int]) -> "FrontEnd":
        """The default before the encoder: HD, 3 bits dropped, calibration 1.0, msb; mux: AE position -> channel."""
        return cls(Density.HD, 3, (CALIBRATION_ONE,) * TRIGGER_CELLS, tuple(mux))

    @cached_property
    def _charge_table(self) -> Codes:
        """CALQ of every input code at every position, (48, 128)."""
        every = decode(np.arange(INPUT_CODES), self.density)
        return calibrate(every, np.asarray(self.calibration)[:, None])

    def charges(self, codes: Codes) -> Codes:
        """Input codes (n, 48) in channel order -> CALQ (n, 48) in the order of the mux, ADC counts.

        The array lies in memory trigger cell by trigger cell, which is what the algorithms go through.
        Raises QcompressError for another shape and for codes outside 0..127.
        """
        if codes.ndim != 2 or codes.shape[1] != TRIGGER_CELLS:
            raise QcompressError(f"trigger-cell codes must come as (n, {TRIGGER_CELLS}), got {codes.shape}")
        if outside := int(np.count_nonzero((codes < 0) | (codes >= INPUT_CODES))):
            raise QcompressError(f"{outside} trigger-cell codes are outside 0..{INPUT_CODES - 1}")
        calq = np.empty((TRIGGER_CELLS, len(codes)), np.int64)
        for position, (channel, table) in enumerate(zip(self.mux, self._charge_table, strict=True)):
            np.take(table, codes[:, channel], out=calq[position], mode="clip")
        return calq.T

    def to_mapping(self) -> JsonObject:
        """What a JSON file may hold; `from_mapping` reads it back."""
        given = asdict(self)
        return given | {name: list(given[name]) for name in ("calibration", "mux")} | {"density": self.density.name}

    def to_json(self) -> str:
        """One JSON object; `from_json` reads it back."""
        return json.dumps(self.to_mapping())

    @classmethod
    def from_json(cls, text: str) -> "FrontEnd":
        """Read a `text` of `to_json`; raises QcompressError naming the key that is missing, unknown or wrong."""
        try:
            given = json.loads(text)
        except ValueError as fault:
            raise QcompressError(f"front end: no JSON ({fault})") from None
        return cls.from_mapping(given)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "FrontEnd":
        """The front end of a `mapping` with the keys density ("HD" or "LD"), drop, calibration, mux, tc_order.

        Raises QcompressError naming the key that is missing, unknown or wrong.
        """
        keys = {"density", "drop", "calibration", "mux", "tc_order"}
        if not isinstance(mapping, Mapping) or set(mapping) - {OF_MODULES} != keys:
            raise QcompressError(f"front end: needs exactly the keys {', '.join(sorted(keys))}")
        if mapping["density"] not in Density.__members__:
            raise QcompressError(f"front end: density {mapping['density']!r} is neither HD nor LD")
        for key in ("calibration", "mux"):
            if not isinstance(mapping[key], list | tuple):
                raise QcompressError(f"front end: {key} is no list of {TRIGGER_CELLS} integers")
        return cls(
            Density[mapping["density"]],
            mapping["drop"],
            tuple(mapping["calibration"]),
            tuple(mapping["mux"]),
            mapping["tc_order"],
        )


def _integers(what: str, values: Iterable[Any], count: int, largest: int) -> tuple[int, ...]:
    """`count` integers 0..largest as a tuple, or QcompressError naming the one that is not."""
    given = tuple(values)
    if len(given) != count:
        raise QcompressError(f"front end: {what} has {len(given)} entries, the chip has {count}")
    for position, value in enumerate(given):
        where = f"{what}[{position}]" if count > 1 else what
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value <= largest:
            raise QcompressError(f"front end: {where} is {value!r}, allowed is 0..{largest}")
    return tuple(int(value) for value in given)


def normalise(calq: Codes) -> Codes:
    """CALQ, `calq` (n, 48) in AE order -> the encoder's image (n, 8, 8, 1), codes of ufixed<8,1>.

    The cells are those of `normalised_cells`, and the errors.
    """
    return cells_to_image(normalised_cells(calq))


def normalised_cells(calq: Codes) -> Codes:
    """CALQ (n, 48) -> floor(CALQ 2^7 / 2^floor(log2(sum CALQ))), (n, 48) codes of ufixed<8,1>; empty modules give 0.

    calq: in any order, which is kept. Raises QcompressError for another shape.
    """
    if calq.ndim != 2 or calq.shape[1] != TRIGGER_CELLS:
        raise QcompressError(f"calibrated charges must come as (n, {TRIGGER_CELLS}), got {calq.shape}")
    leading = np.maximum(bit_length(calq.sum(axis=1)) - 1, 0)
    return np.asarray((calq << IMAGE_FORMAT.fraction) >> leading[:, None])


def cells_to_image(cells: Codes) -> Codes:
    """Normalised cells (n, 48) in AE order -> (n, 8, 8, 1).

    Rows 0-3 of the image hold TCs 0..31, rows 4-7 hold TCs 32..47 in their columns 0-3, the rest is 0.
    """
    image = np.zeros((len(cells), *IMAGE_SHAPE), np.int64)
    image[:, :4, :, 0] = cells[:, :32].reshape(-1, 4, 8)
    image[:, 4:, :4, 0] = cells[:, 32:].reshape(-1, 4, 4)
    return image
