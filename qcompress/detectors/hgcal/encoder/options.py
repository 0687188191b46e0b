"""What the `network` section of an ECON-T encoder's config may say."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from qcompress.detectors import NetworkSection
from qcompress.detectors.hgcal.econt.onchip_encoder import LATENTS
from qcompress.detectors.hgcal.econt.registers import latent_capacity
from qcompress.detectors.hgcal.encoder.charge_sharing import DecodingOptions

CHIP = {"filters": 8, "kernel_size": 3, "stride": 2, "weight_bits": 6, "activation_bits": 8, "arrangement": "8x8"}
"""What the chip's encoder is."""


class EncoderOptions(NetworkSection):
    """The `network` section of an ECON-T encoder's config."""

    family: ClassVar[tuple[str, ...]] = (
        *("arithmetic", "overflow", "overflow_penalty", "arrangement", "filters", "kernel_size", "stride"),
        *("weight_bits", "activation_bits", "latent_bits", "bits"),
    )

    arithmetic: Literal["exact", "econt", "compensated", "deployed", "post_training"] = "exact"
    """exact: QKeras' sums. econt: trained in the chip's, every product floored, latents of 9 bits cut to the first
    ones. deployed: trained exactly, run on the chip as it is. compensated: the same, biases corrected for the floors.
    post_training: trained in floating point, weights put on the chip's grid afterwards.
    """
    overflow: Literal["WRAP", "SAT"] = "WRAP"
    """On the chip: what activations and latents do when they overflow; no published vector shows it."""
    overflow_penalty: float = Field(0.0, ge=0)
    """econt: weight in the loss of what lies above the largest activation and latent."""
    arrangement: Literal["8x8", "9x9", "4x4x3"] = "8x8"
    decoder: Literal["published", "dense", "conditional", "conditional_dense"] = "published"
    decoder_units: tuple[Annotated[int, Field(ge=1, le=4096)], ...] | None = Field(None, min_length=1, max_length=8)
    """Hidden layers of a dense decoder; 128 unless given."""
    loss: Literal["telescope", "weighted_mse", "sliced_emd", "emd_surrogate"] = "telescope"
    calibration: Literal["one", "transverse"] = "one"
    """Of the charges that the encoder trains on and is evaluated with: CAL 1.0, or each module's own 1 / cosh eta."""
    filters: int = Field(8, ge=1, le=64)
    kernel_size: int = Field(3, ge=1, le=8)
    stride: int = Field(2, ge=1, le=4)
    input_bits: Literal[8] = 8
    """Width of the normaliser's output in the chip."""
    weight_bits: int = Field(6, ge=2, le=16)
    activation_bits: int = Field(8, ge=2, le=16)
    latent_bits: int = Field(3, ge=1, le=9)
    bits: Literal["fixed", "learned"] = "fixed"
    """learned: weight_bits and activation_bits are those that training begins with (HGQ2); arithmetic exact and
    arrangement 8x8 alone.
    """
    links: int | None = Field(None, ge=1, le=13)
    """Links that carry the latents, as a check: as many as they need."""
    decoding: DecodingOptions = DecodingOptions()

    @model_validator(mode="after")
    def _as_the_chip_has_it(self) -> "EncoderOptions":
        if self.bits == "learned" and (self.arithmetic, self.arrangement) != ("exact", "8x8"):
            raise ValueError("bits learned: of arithmetic exact and arrangement 8x8 alone; the chip's bits are fixed")
        if self.arithmetic == "exact":
            return self
        for name, value in CHIP.items():
            if getattr(self, name) != value:
                raise ValueError(
                    f"{name} {getattr(self, name)}: with arithmetic {self.arithmetic} the chip has {value}"
                )
        if self.latent_bits % 2 == 0:
            raise ValueError(f"latent_bits {self.latent_bits}: the chip's links carry 1, 3, 5, 7 or 9")
        return self

    @model_validator(mode="after")
    def _fits(self) -> "EncoderOptions":
        if self.arrangement == "9x9" and (self.kernel_size, self.stride) != (3, 2):
            raise ValueError("arrangement 9x9: is made for kernel_size 3 and stride 2")
        if self.overflow_penalty and not self.in_chip_arithmetic:
            raise ValueError(f"overflow_penalty: arithmetic {self.arithmetic} does not train with overflows; use econt")
        if self.decoder_units is not None and self.decoder not in {"dense", "conditional_dense"}:
            raise ValueError(f"decoder_units: decoder {self.decoder} has its own; use dense or conditional_dense")
        if self.links is not None and self.links != self.needed_links:
            carried = min(latent_capacity(self.links) // LATENTS, 9)
            said = f"latent_bits {self.latent_bits}: {self.links} links carry {carried} of each latent"
            raise ValueError(f"{said}, and {self.needed_links} are what it needs: change one of the two")
        return self

    @property
    def needed_links(self) -> int:
        """Links that 16 latents of this width need beside the frame's header and sum."""
        return next(n for n in range(1, 14) if latent_capacity(n) >= LATENTS * self.latent_bits)

    @property
    def in_chip_arithmetic(self) -> bool:
        """Whether the network is trained with floored products."""
        return self.arithmetic == "econt"

    @property
    def conditional(self) -> bool:
        """Whether the decoder sees where a module is."""
        return self.decoder in {"conditional", "conditional_dense"}
