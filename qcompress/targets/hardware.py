"""What a design is aimed at and may take: a device, a clock, budgets; how they reach the settings of targets."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from qcompress.devices import Device, find_device
from qcompress.errors import QcompressError

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Mhz = Annotated[float, Field(ge=1e-3, le=1e6, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]

AIMS = ("device", "clock_mhz")
"""What targets may have settings of; everything else is a budget."""


class Hardware(BaseModel):
    """What a candidate's firmware is aimed at; None is not asked for.

    device: a name or a part that `find_device` knows; latency_ns: from a row's input to its result, at the clock; lut,
    ff, dsp: of all networks together; ge: gate equivalents, two-input NAND gates.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str | None = None
    clock_mhz: Mhz | None = None
    latency_ns: Positive | None = None
    lut: Count | None = None
    ff: Count | None = None
    dsp: Count | None = None
    ge: Positive | None = None

    @field_validator("device")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        """As the vendor writes it."""
        if name is None:
            return None
        try:
            return find_device(name).name
        except QcompressError as fault:
            raise ValueError(str(fault)) from None

    @property
    def aimed_at(self) -> Device | None:
        """The device, with its capacities."""
        return None if self.device is None else find_device(self.device)

    def told(self) -> dict[str, Any]:
        """What is asked for, by name."""
        return self.model_dump(exclude_none=True)

    def aims(self) -> dict[str, Any]:
        """Of that, what targets may be set to."""
        return {name: value for name, value in self.told().items() if name in AIMS}

    def budgets(self) -> dict[str, float]:
        """Of that, what is held against figures."""
        return {name: value for name, value in self.told().items() if name not in AIMS}


class Aimed(NamedTuple):
    """Settings of a target that hardware has filled in; notes: a line for each part of it that was not used."""

    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def filled(model: type[BaseModel], told: Mapping[str, Any], hardware: Hardware) -> Aimed:
    """The settings told of a target, and of hardware whatever the model has a field for and was not told."""
    aims = {key: value for key, value in hardware.aims().items() if key in model.model_fields and told.get(key) is None}
    return Aimed({**told, **aims})
