"""What a config of liquid argon may say of its network: regions of interest on wires, or the U-Net on images."""

from pydantic import model_validator

from qcompress.detectors.lartpc.images.models import ImageOptions
from qcompress.detectors.lartpc.roi.models import RoiOptions


class LiquidArgonOptions(RoiOptions):
    """The `network` section: keys of the network on wires, or `images` for the U-Net instead."""

    images: ImageOptions | None = None

    @model_validator(mode="after")
    def _one_network(self) -> "LiquidArgonOptions":
        if self.images is None:
            return self
        for key in sorted(self.model_fields_set - {"images", "model"}):
            raise ValueError(f"{key}: describes the network on wires; leave it out beside images")
        if self.model is not None:
            own = ("filters", "levels", "weight_bits", "activation_bits")
            for key in own:
                if key in self.images.model_fields_set:
                    raise ValueError(f"images.{key}: describes the built-in network; leave it out beside model")
        return self
