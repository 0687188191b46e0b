"""What quantization after training cost, as a manifest keeps it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerCost:
    """Of one layer.

    format: of what it gives; error: root mean square of the difference from the model of floats, as a part of that of
    its values; saturated: part of the values at either end of the format; unused: bits above the largest value.
    """

    layer: str
    format: str
    error: float
    saturated: float
    unused: int


@dataclass(frozen=True)
class OutputCost:
    """Of one output: largest and mean absolute difference, and the part of the rows whose largest element is another.

    changed: None for outputs of one element.
    """

    output: str
    largest: float
    mean: float
    changed: float | None


@dataclass(frozen=True)
class Cost:
    """Of all, on so many rows."""

    rows: int
    outputs: tuple[OutputCost, ...]
    layers: tuple[LayerCost, ...]
