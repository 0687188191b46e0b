"""The integer stage in front of the encoder: trigger-cell codes to the normalised image."""

from dataclasses import dataclass

from qcompress.detectors.hgcal.econt.frontend import IMAGE_FORMAT, FrontEnd, normalise
from qcompress.detectors.hgcal.geometry import IMAGE_SHAPE, TRIGGER_CELLS
from qcompress.fixedpoint import Codes, Format
from qcompress.graph.stage import Shape

CODE_FORMAT = Format(False, 7, 7)


@dataclass(frozen=True)
class Normaliser:
    """A Stage: 7-bit codes (n, 48) in channel order -> normalised codes (n, 8, 8, 1)."""

    front_end: FrontEnd
    name: str = "normaliser"
    input_shape: Shape = (TRIGGER_CELLS,)
    input_format: Format = CODE_FORMAT
    output_shape: Shape = IMAGE_SHAPE
    output_format: Format = IMAGE_FORMAT

    def run(self, codes: Codes) -> Codes:
        return normalise(self.front_end.charges(codes))
