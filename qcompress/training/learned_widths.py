"""Layers of HGQ2 that learn how many bits each weight and each input has, and the penalty that takes bits away.

The penalty is on effective bit operations: of every product the bits of the weight times those of the input, summed
over the network (HGQ, arXiv:2405.00645). Weights and inputs may end with no bits at all: their products are not there.
"""

from typing import Any

from qcompress.frontends.hgq2_files import import_hgq
from qcompress.frontends.keras_objects import KerasLayer, KerasModel
from qcompress.training.options import TrainingOptions

SIGNED, UNSIGNED = True, False


def dense(
    units: int, name: str, weight_bits: int, inputs: Any, output: Any | None = None, activation: str | None = None
) -> KerasLayer:
    """A dense layer whose weights begin with so many bits and lose what they do not need.

    inputs, output: quantizers of `learned` or `fixed`; None: the sums leave as they are.
    """
    return import_hgq().layers.QDense(
        units, name=name, activation=activation, **_quantizers(weight_bits, inputs, output)
    )


def convolution(
    filters: int,
    kernel_size: int,
    strides: int,
    name: str,
    weight_bits: int,
    inputs: Any,
    activation: str | None = None,
) -> KerasLayer:
    """The same of a convolution over two axes, padded so that without strides its size stays.

    inputs: a quantizer of `learned` or `fixed`, of every pixel for itself.
    """
    return import_hgq().layers.QConv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        name=name,
        activation=activation,
        **_quantizers(weight_bits, inputs, None),
    )


def _quantizers(weight_bits: int, inputs: Any, output: Any | None) -> dict[str, Any]:
    """What a layer is told of its weights, inputs and output."""
    config = import_hgq().config.QuantizerConfig
    return {
        "iq_conf": inputs,
        "kq_conf": config("kbi", "weight", b0=weight_bits - 1, i0=0),
        "bq_conf": config("kbi", "weight", b0=weight_bits, i0=1),
        "beta0": 0.0,
        **({"oq_conf": output, "enable_oq": True} if output is not None else {}),
    }


def learned(signed: bool, integer: int, fraction: int, rounding: str = "RND") -> Any:
    """A quantizer of a layer's input, each element of which learns its bits from so many on; it saturates.

    integer: bits without the sign; fraction: bits behind the point; rounding: RND, or TRN, which costs no adder.
    """
    return import_hgq().config.QuantizerConfig(
        "kif", "datalane", k0=signed, i0=integer, f0=fraction, round_mode=rounding, overflow_mode="SAT"
    )


def fixed(signed: bool, integer: int, fraction: int) -> Any:
    """The same quantizer for all elements, with bits that stay as they are."""
    return import_hgq().config.QuantizerConfig(
        "kif",
        "datalane",
        k0=signed,
        i0=integer,
        f0=fraction,
        round_mode="RND",
        overflow_mode="SAT",
        trainable=False,
        heterogeneous_axis=(),
    )


def learning(model: KerasModel) -> list[KerasLayer]:
    """The layers of a model that pay for their bit operations."""
    return [layer for layer in model._flatten_layers() if getattr(layer, "_beta", None) is not None]


def penalty_at(options: TrainingOptions, epoch: int) -> float:
    """The penalty of a bit operation in an `epoch` (from 0 on): it rises evenly in its logarithm.

    options: its first and last value, and how many epochs lie between.
    """
    if options.penalty == 0 or options.epochs == 1:
        return options.penalty
    first = options.first_penalty or options.penalty / PENALTY_RISE
    return float(first * (options.penalty / first) ** (epoch / (options.epochs - 1)))


PENALTY_RISE = 100.0
"""Of the last epoch's penalty over the first one's, unless that is given."""


def penalize(model: KerasModel, penalty: float) -> None:
    """Make every bit operation of a model cost so much from now on; nothing where no layer learns its widths."""
    for layer in learning(model):
        layer._beta.assign(penalty)


def bit_operations(model: KerasModel) -> float | None:
    """Effective bit operations of a model as its last training step saw them; None where no layer learns its widths."""
    layers = learning(model)
    return float(sum(float(layer.ebops) for layer in layers)) if layers else None
