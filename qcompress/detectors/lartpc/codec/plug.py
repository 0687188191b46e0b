"""The codec as the detector's network: registers, and the integer stage in front of it."""

from qcompress.detectors import FrontEndRegisters
from qcompress.detectors.lartpc.codec.models import INPUT_FORMAT, CodecOptions
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.roi.stages import clip
from qcompress.files import JsonObject
from qcompress.graph import Stage


def front_end(options: CodecOptions) -> JsonObject:
    """What the windows are made with and the latents are sent with, as JSON; options: of the config."""
    return {name: getattr(options, name) for name in ("preset", "plane", "windows", "ticks", "order", "noise")}


def is_of_codec(registers: FrontEndRegisters) -> bool:
    """Whether registers are those of a codec."""
    return "order" in registers


def preprocess(registers: FrontEndRegisters) -> Stage:
    """Samples less their pedestals (ticks,) as input codes; registers: of `front_end`."""
    bits = PRESETS[str(registers["preset"])].adc_bits
    return clip(bits, (int(str(registers["ticks"])),), INPUT_FORMAT)
