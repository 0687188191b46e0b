"""The U-Net as the detector's network: registers, and the integer stages around it."""

from qcompress.detectors import FrontEndRegisters
from qcompress.detectors.lartpc.images.models import ImageOptions
from qcompress.detectors.lartpc.images.rows import Settings, settings_of
from qcompress.detectors.lartpc.images.stages import Highest, Pixels, pixel_format
from qcompress.detectors.lartpc.images.views import VIEWS
from qcompress.files import JsonObject
from qcompress.graph import Graph, Stage


def front_end(options: ImageOptions) -> JsonObject:
    """What the images are made with, as JSON; options: of the config."""
    given = options.model_dump(mode="json")
    return {name: given[name] for name in Settings._fields}


def is_of_images(registers: FrontEndRegisters) -> bool:
    """Whether registers are those of images."""
    return "view" in registers


def preprocess(registers: FrontEndRegisters) -> Stage:
    """Pixels as a channel; registers: of `front_end`."""
    settings = settings_of(registers)
    return Pixels(VIEWS[settings.view].shape, pixel_format(settings.binary))


def postprocess(graph: Graph) -> tuple[Stage, ...]:
    """The class of every pixel; graph: of the network."""
    return (Highest(graph.output_shape, graph.output_format),)
