"""The families of targets that come with the package; each module of a target says what may be set for it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from qcompress.targets import Family, Kind
from qcompress.targets.cpp import emulator
from qcompress.targets.hls import project
from qcompress.targets.hls import settings as hls
from qcompress.targets.hls.proven import BACKENDS
from qcompress.targets.onnx import target as onnx
from qcompress.targets.rtl import constant, delays, loadable


def _word(word: str) -> Any:
    """A shorthand that says no more than that the target is wanted."""

    def read(value: Any) -> Mapping[str, Any]:
        if value != word:
            raise ValueError(f"give {word}, or settings as keys and values, not {value!r}")
        return {}

    return read


def _backend(value: Any) -> Mapping[str, Any]:
    """A backend of hls4ml, in any letters."""
    known = {backend.lower(): backend for backend in BACKENDS}
    if str(value).lower() not in known:
        raise ValueError(f"give one of {', '.join(known)}, or settings as keys and values, not {value!r}")
    return {"backend": known[str(value).lower()]}


def _reuse(value: Any) -> Mapping[str, Any]:
    """A reuse factor."""
    return {"reuse": value}


def _arithmetic(value: Any) -> Mapping[str, Any]:
    """The arithmetic of an ONNX model."""
    return {"arithmetic": value}


class Emulator(BaseModel):
    """What a config may say of the C++ emulator."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    optimization: Literal["0", "1", "2", "3"] = "3"
    """g++'s -O."""
    machine: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]+$")] = "native"
    """g++'s -march: instructions that the library may use."""


def _emulator(settings: Emulator) -> emulator.Cpp:
    return emulator.Cpp(settings.optimization, settings.machine)


CPP = Family("cpp", Kind.EMULATOR, Emulator, _emulator, default=("cpp",), shorthand=_word("header"))

HLS = Family(
    "hls",
    Kind.HLS,
    hls.Settings,
    project.target,
    {
        name: {"backend": variant.backend, "io_type": variant.io_type, "strategy": variant.strategy}
        for name, variant in project.VARIANTS.items()
        if name != "hls"
    },
    default=("hls", "hls-vivado", "hls-catapult", "hls-quartus"),
    instead=("hls-vitis-stream", "hls-vivado-stream"),
    shorthand=_backend,
    aim=hls.aim,
)

RTL = Family(
    "rtl",
    Kind.VERILOG,
    constant.Settings,
    constant.target,
    default=("rtl",),
    shorthand=_word("verilog"),
    aim=delays.aim,
)

RTL_LOADABLE = Family(
    "rtl_loadable",
    Kind.VERILOG,
    loadable.Settings,
    loadable.target,
    {name: {"reuse": variant.reuse} for name, variant in loadable.VARIANTS.items()},
    default=("rtl_loadable",),
    shorthand=_reuse,
    aim=delays.aim,
)

ONNX = Family("onnx", Kind.EMULATOR, onnx.Settings, onnx.target, onnx.NAMES, shorthand=_arithmetic)
