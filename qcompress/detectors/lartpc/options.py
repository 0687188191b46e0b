"""What a config of liquid argon may say of its network: regions of interest, the codec, or the U-Net."""

from pydantic import BaseModel, model_validator

from qcompress.detectors.lartpc.codec.models import CodecOptions
from qcompress.detectors.lartpc.images.models import ImageOptions
from qcompress.detectors.lartpc.roi.models import RoiOptions

OWN = {
    "images": (
        "filters",
        "levels",
        "weight_bits",
        "activation_bits",
        "activation_integer",
        "normalization",
        "residual",
    ),
    "codec": ("latents", "latent_bits", "hidden", "weight_bits", "activation_bits"),
}
"""Sections of other networks, and what in them describes the built-in one alone."""


def written(options: BaseModel) -> set[str]:
    """Keys of a section that somebody wrote: where all are given, as a manifest gives them, those of other values."""
    known = type(options).model_fields
    if options.model_fields_set < set(known):
        return set(options.model_fields_set)
    return {
        key for key, field in known.items() if getattr(options, key) != field.get_default(call_default_factory=True)
    }


class LiquidArgonOptions(RoiOptions):
    """The `network` section: keys of the network on wires, or `images` for the U-Net, or `codec`, instead."""

    images: ImageOptions | None = None
    codec: CodecOptions | None = None

    @model_validator(mode="after")
    def _one_network(self) -> "LiquidArgonOptions":
        given = [name for name in OWN if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)}: describe a network each; give one of them")
        for name in given:
            for key in sorted(written(self) - {*OWN, "model"}):
                raise ValueError(f"{key}: describes the network on wires; leave it out beside {name}")
            for key in OWN[name] if self.model is not None else ():
                if key in written(getattr(self, name)):
                    raise ValueError(f"{name}.{key}: describes the built-in network; leave it out beside model")
        return self
