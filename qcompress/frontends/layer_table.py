"""Which Keras layer becomes what: the table of everything that a model may hold."""

from collections.abc import Callable

from qcompress.errors import Refused
from qcompress.frontends import (
    activations,
    combining,
    hgq1,
    linear,
    operators,
    plain,
    plain_weights,
    recurrent,
    tables_of_rows,
)
from qcompress.frontends.activations import SIGNS
from qcompress.frontends.builder import Builder
from qcompress.frontends.calls import Call, Operator
from qcompress.frontends.pending import End, Pending, settled
from qcompress.frontends.quantizers import stopped
from qcompress.frontends.runtime import kind_of
from qcompress.frontends.user_layers import handler_of

OWN = "qcompress.training.exact_layers"
"""Module of the layers that carry the graph's arithmetic themselves."""

LAYERS: dict[str, Callable[..., End]] = {
    "QDense": linear.dense,
    "QConv1D": linear.convolution,
    "QConv2D": linear.convolution,
    "QDepthwiseConv2D": linear.depthwise,
    "QSeparableConv1D": linear.separable,
    "QSeparableConv2D": linear.separable,
    "QConv2DTranspose": linear.transposed,
    "QDenseBatchnorm": linear.dense,
    "QConv2DBatchnorm": linear.convolution,
    "QDepthwiseConv2DBatchnorm": linear.depthwise,
    "Dense": linear.dense,
    "Conv1D": linear.convolution,
    "Conv2D": linear.convolution,
    "DepthwiseConv1D": linear.depthwise,
    "DepthwiseConv2D": linear.depthwise,
    "SeparableConv1D": linear.separable,
    "SeparableConv2D": linear.separable,
    "Conv2DTranspose": linear.transposed,
    "EinsumDense": plain_weights.einsum_dense,
    "Embedding": plain_weights.embedding,
    "PReLU": plain_weights.prelu,
    "QBatchNormalization": linear.batch_normalization,
    "BatchNormalization": linear.batch_normalization,
    "QActivation": activations.activation,
    "Activation": activations.activation,
    "ReLU": activations.relu,
    "LeakyReLU": activations.leaky_relu,
    "Flatten": plain.flatten,
    "Reshape": plain.reshape,
    "Permute": plain.permute,
    "ZeroPadding1D": plain.zero_pad,
    "ZeroPadding2D": plain.zero_pad,
    "Cropping1D": plain.crop,
    "Cropping2D": plain.crop,
    "UpSampling1D": plain.up_sample,
    "UpSampling2D": plain.up_sample,
    "MaxPooling1D": plain.max_pool,
    "MaxPooling2D": plain.max_pool,
    "AveragePooling1D": plain.average_pool,
    "AveragePooling2D": plain.average_pool,
    "QAveragePooling2D": plain.average_pool,
    "GlobalMaxPooling1D": plain.global_max_pool,
    "GlobalMaxPooling2D": plain.global_max_pool,
    "GlobalAveragePooling1D": plain.global_average_pool,
    "GlobalAveragePooling2D": plain.global_average_pool,
    "QGlobalAveragePooling2D": plain.global_average_pool,
    "Add": plain.add,
    "Subtract": plain.subtract,
    "Multiply": plain.multiply,
    "Concatenate": plain.concatenate,
    "Average": combining.average,
    "Maximum": combining.maximum,
    "Minimum": combining.minimum,
    "Dot": combining.dot,
    "RepeatVector": combining.repeat,
    "Rescaling": combining.rescale,
    **dict.fromkeys(("QSimpleRNN", "QLSTM", "QGRU", "SimpleRNN", "LSTM", "GRU", "RNN"), recurrent.recurrent),
    **dict.fromkeys(("QBidirectional", "Bidirectional"), recurrent.bidirectional),
    hgq1.QUANTIZER: hgq1.quantizer,
    hgq1.TABLE: hgq1.table,
    f"{Operator.__module__}.{Operator.__name__}": operators.operator,
    f"{SIGNS}.BinaryDense": linear.dense,
    f"{SIGNS}.TernaryDense": linear.dense,
    f"{tables_of_rows.MODULE}.TableSoftmax": tables_of_rows.softmax,
    f"{tables_of_rows.MODULE}.TableNormalization": tables_of_rows.normalization,
    f"{OWN}.CastDense": linear.dense,
    f"{OWN}.CastConv1D": linear.convolution,
    f"{OWN}.CastConv2D": linear.convolution,
    f"{OWN}.CastDepthwiseConv2D": linear.depthwise,
    f"{OWN}.CastActivation": activations.cast,
}
"""By class name; a handler takes the builder, the call and the nodes that feed it, and gives the node that ends it."""

MOVES: dict[str, Callable[..., str]] = {
    "MaxPooling1D": plain.max_pool,
    "MaxPooling2D": plain.max_pool,
    "GlobalMaxPooling1D": plain.global_max_pool,
    "GlobalMaxPooling2D": plain.global_max_pool,
    "Flatten": plain.flatten,
    "Reshape": plain.reshape,
    "Permute": plain.permute,
    "Cropping1D": plain.crop,
    "Cropping2D": plain.crop,
    "UpSampling1D": plain.up_sample,
    "UpSampling2D": plain.up_sample,
    "RepeatVector": combining.repeat,
}
"""Layers that may as well follow a quantizer that never falls."""

WAITING = {"QBatchNormalization", "BatchNormalization", "QActivation", "Activation", "ReLU", "LeakyReLU", "PReLU"}
"""Layers that take what lies on no grid yet."""

INSTEAD = {
    "Softmax": "it only at the end of the model, or have --quantize make it of tables",
    "LayerNormalization": "BatchNormalization, or have --quantize make it of a table",
    "GroupNormalization": "BatchNormalization: a deviation of an image's own pixels is on no grid",
    "Lambda": "layers: code is not read",
    "TimeDistributed": "Dense or functions inside, or apply the layer to slices and join them",
    "ELU": "QActivation('quantized_relu(...)')",
    "QAdaptiveActivation": "QActivation with fixed integer bits",
}
"""What to use instead of layers that are often met and refused."""


def _of_the_user(end: object, builder: Builder, call: Call) -> str:
    """What ends a user's layer; raises Refused if that is not the node of its name, which bodies are compared at."""
    if end != call.name or end not in builder.shapes:
        given = f"gives {end!r}" if end != call.name else "has not added it"
        raise Refused(
            f"layer {call.name}: its function in qcompress.frontends.layer {given}; end with the node {call.name}"
        )
    return call.name


def add_layer(builder: Builder, call: Call, *sources: End) -> End:
    """Append to builder what one call of a layer computes on sources; gives what ends it.

    Raises Refused for a layer that has no exact form here, with what to use instead.
    """
    kind = kind_of(call.layer)
    if call.layer.compute_dtype not in {"float32", "float64"}:
        raise Refused(f"layer {call.name}: computes in {call.layer.compute_dtype}; use float32")
    waiting = [source for source in sources if isinstance(source, Pending)]
    if waiting and kind in MOVES:
        return waiting[0].moved(builder, call, MOVES[kind])
    if waiting and kind not in WAITING:
        sources = tuple(map(settled, sources))
    if (handler := handler_of(call.layer)) is not None:
        return _of_the_user(handler(builder, call, *map(settled, sources)), builder, call)
    if kind in LAYERS:
        try:
            return LAYERS[kind](builder, call, *sources)
        except AssertionError as fault:
            raise Refused(f"layer {call.name}: {kind}: {stopped(fault)}; change its quantizers") from None
    quantized = ", ".join(kind for kind in LAYERS if kind.startswith("Q"))
    instead = INSTEAD.get(kind, f"{quantized}, or plain layers that move, pad, pool or merge")
    raise Refused(f"layer {call.name}: {kind} is not supported; use {instead}")
