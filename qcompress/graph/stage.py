"""What every link of the firmware chain is: integer codes in, integer codes out."""

from typing import Protocol, runtime_checkable

from qcompress.fixedpoint import Codes, Format

Shape = tuple[int, ...]


@runtime_checkable
class Stage(Protocol):
    """A function from integer codes to integer codes, with the formats of both."""

    @property
    def name(self) -> str: ...
    @property
    def input_shape(self) -> Shape: ...
    @property
    def input_format(self) -> Format: ...
    @property
    def output_shape(self) -> Shape: ...
    @property
    def output_format(self) -> Format: ...

    def run(self, codes: Codes) -> Codes:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape), int64."""
        ...
