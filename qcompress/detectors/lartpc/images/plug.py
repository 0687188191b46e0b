"""The U-Net as a plug: registers, and the integer stages around it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from qcompress.detectors import FrontEndRegisters, Network, Rows
from qcompress.detectors.lartpc.images.models import ImageOptions
from qcompress.detectors.lartpc.images.rows import Settings, settings_of
from qcompress.detectors.lartpc.images.stages import Highest, Pixels, pixel_format
from qcompress.detectors.lartpc.images.views import VIEWS
from qcompress.detectors.lartpc.network_plug import NetworkPlug
from qcompress.files import JsonObject
from qcompress.graph import Graph, Stage


class Images(NetworkPlug):
    """Tracks and showers on images of planes. Its section is `network.images`."""

    name: ClassVar[str] = "images"

    def section(self, options: Any) -> ImageOptions | None:
        given: ImageOptions | None = options.images
        return given

    def owns(self, registers: FrontEndRegisters) -> bool:
        return "view" in registers

    def front_end(self, options: ImageOptions) -> JsonObject:
        given = options.model_dump(mode="json")
        return {name: given[name] for name in Settings._fields}

    def rows(self, path: Path, registers: FrontEndRegisters) -> Rows:
        from qcompress.detectors.lartpc.images import rows

        return rows.rows(path, registers)

    def preprocess(self, registers: FrontEndRegisters) -> Stage:
        settings = settings_of(registers)
        return Pixels(VIEWS[settings.view].shape, pixel_format(settings.binary))

    def postprocess(self, registers: FrontEndRegisters, graph: Graph) -> tuple[Stage, ...]:
        return (Highest(graph.output_shape, graph.output_format),)

    def networks(self, options: ImageOptions, own: Mapping[str, Any]) -> tuple[Network, ...]:
        from qcompress.detectors.lartpc.images import models

        return models.build(options, own)
