"""What a config may say of an hls4ml project, and how a device and a clock reach it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from qcompress.devices import find_device
from qcompress.errors import QcompressError
from qcompress.targets.hardware import Aimed, Hardware, Positive

DEFAULT_PERIOD_NS = 5.0
VENDORS = {"Vitis": "AMD", "Vivado": "AMD", "Catapult": "AMD", "Quartus": "Intel", "oneAPI": "Intel"}
"""Whose parts the projects of a backend are for."""


def _capital(value: Any) -> Any:
    """Words in any letters; whatever else as it is."""
    return value.capitalize() if isinstance(value, str) else value


Strategy = Annotated[Literal["Latency", "Resource"], BeforeValidator(_capital)]
Reuse = Annotated[int, Field(ge=1, strict=True)]


class LayerSettings(BaseModel):
    """What is set for layers of one name or pattern; None: as for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: Strategy | None = None
    reuse_factor: Reuse | None = None


class Settings(BaseModel):
    """What a config may say of an hls4ml project."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: Literal["Vitis", "Vivado", "Catapult", "Quartus", "oneAPI"] = "Vitis"
    io_type: Literal["io_parallel", "io_stream"] = "io_parallel"
    strategy: Strategy = "Latency"
    reuse_factor: Reuse = 1
    """How often a multiplier is used again."""
    part: str = ""
    """As the vendor writes it; hls4ml's own choice unless given."""
    clock_mhz: Positive | None = None
    clock_period_ns: Positive | None = None
    """Instead of a clock in MHz; 5 ns if neither is given."""
    layers: dict[str, LayerSettings] = Field(default_factory=dict)
    """Nodes of the graph by name, or by patterns such as conv*, the last that fits counts."""

    @model_validator(mode="after")
    def _one_clock(self) -> "Settings":
        if self.clock_mhz is not None and self.clock_period_ns is not None:
            raise ValueError("give clock_mhz or clock_period_ns, not both")
        return self

    @property
    def period_ns(self) -> float:
        """Of the clock that is asked for."""
        if self.clock_mhz is not None:
            return 1000 / self.clock_mhz
        return DEFAULT_PERIOD_NS if self.clock_period_ns is None else self.clock_period_ns


def aim(model: type[BaseModel], told: Mapping[str, Any], hardware: Hardware) -> Aimed:
    """The settings told of a project, and part and clock of hardware where they are not among them.

    A part of another vendor than the backend's is not used, and said. Raises QcompressError for a part that is told and
    is none, or of another vendor.
    """
    backend = str(told.get("backend", "Vitis"))
    vendor, settings, notes = VENDORS.get(backend), dict(told), []
    if told.get("part"):
        _check_part(str(told["part"]), backend)
    elif (device := hardware.aimed_at) is not None:
        if device.vendor == vendor:
            settings["part"] = device.name
        else:
            others = [other for other, whose in VENDORS.items() if whose == device.vendor]
            instead = f"; use backend {' or '.join(others)}" if others else ""
            notes.append(f"{backend} takes parts of {vendor}: device {device.name} is not used{instead}")
    if hardware.clock_mhz is not None and not (told.get("clock_mhz") or told.get("clock_period_ns")):
        settings["clock_mhz"] = hardware.clock_mhz
    return Aimed(settings, tuple(notes))


def _check_part(part: str, backend: str) -> None:
    """Raises QcompressError for a part that no device is known by, or that the backend's tool does not know."""
    try:
        device, vendor = find_device(part), VENDORS.get(backend)
    except QcompressError as fault:
        raise QcompressError(f"hls: part: {fault}") from None
    if vendor is not None and device.vendor != vendor:
        raise QcompressError(f"hls: part {part} is {device.vendor}'s, {backend} takes parts of {vendor}")
