"""The codec as a plug: registers, and the integer stage in front of the encoder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from qcompress.detectors import FrontEndRegisters, Network, Rows
from qcompress.detectors.lartpc.codec.models import INPUT_FORMAT, CodecOptions
from qcompress.detectors.lartpc.network_plug import NetworkPlug, bits_of
from qcompress.detectors.lartpc.roi.stages import clip
from qcompress.files import JsonObject
from qcompress.graph import Stage


class Codec(NetworkPlug):
    """Windows of single wires in a few latents. Its section is `network.codec`."""

    name: ClassVar[str] = "codec"

    def section(self, options: Any) -> CodecOptions | None:
        given: CodecOptions | None = options.codec
        return given

    def owns(self, registers: FrontEndRegisters) -> bool:
        return "order" in registers

    def front_end(self, options: CodecOptions) -> JsonObject:
        return {name: getattr(options, name) for name in ("preset", "plane", "windows", "ticks", "order", "noise")}

    def rows(self, path: Path, registers: FrontEndRegisters) -> Rows:
        from qcompress.detectors.lartpc.codec import rows

        return rows.rows(path, registers, bits_of(registers))

    def preprocess(self, registers: FrontEndRegisters) -> Stage:
        return clip(bits_of(registers), (int(str(registers["ticks"])),), INPUT_FORMAT)

    def networks(self, options: CodecOptions, own: Mapping[str, Any]) -> tuple[Network, ...]:
        from qcompress.detectors.lartpc.codec import models

        return models.build(options, own)
