"""Options of a device, a clock and budgets, and what becomes of them."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qcompress.errors import QcompressError

if TYPE_CHECKING:
    from qcompress.targets import Hardware

ClockMhz = Annotated[float | None, typer.Option("--clock-mhz", help="Clock that is aimed at, MHz.")]
LatencyNs = Annotated[float | None, typer.Option("--latency-ns", help="Budget: input to result, ns at the clock.")]
Lut = Annotated[int | None, typer.Option("--lut", help="Budget: look-up tables.")]
Ff = Annotated[int | None, typer.Option("--ff", help="Budget: flip-flops.")]
Dsp = Annotated[int | None, typer.Option("--dsp", help="Budget: DSP blocks.")]
Ge = Annotated[float | None, typer.Option("--ge", help="Budget: gate equivalents.")]


def told(**options: Any) -> dict[str, Any]:
    """The options that were given, by the names of section hardware."""
    return {name: value for name, value in options.items() if value is not None}


def hardware_of(options: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> "Hardware":
    """What options ask for, and what else was asked for before; raises QcompressError naming the option."""
    from pydantic import ValidationError

    from qcompress.targets import Hardware

    if re.fullmatch(r"\d+k", str(options.get("device"))):  # the size alone stands for an ECP5
        options = {**options, "device": f"ecp5-{options['device']}"}
    try:
        return Hardware.model_validate({**(before or {}), **options})
    except ValidationError as fault:
        error = fault.errors()[0]
        option, message = str(error["loc"][0]).replace("_", "-"), error["msg"].removeprefix("Value error, ")
        raise QcompressError(f"--{option} {error['input']}: {message}") from None
