"""QKeras models to exact graphs: the one door to Keras.

QKeras rounds half to even and saturates: ``quantized_bits(b, i, alpha=1)`` is ``fixed<b,i+1,RND_CONV,SAT>``,
``quantized_relu(b, i)`` is ``ufixed<b,i,RND_CONV,SAT>``. Weights are what the layer's own quantizer gives, and must
lie on its grid. Sums are exact: the accumulator is the narrowest one that loses nothing, by exact ranges.
Whatever is not proven exact is refused, with the layer's name.
"""

import json
import logging
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding, Values
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Node, Quantize, Range, Unary
from qcompress.graph.ranges import with_lossless_accumulator

PREDICT_BATCH = 4096


def import_keras() -> Any:
    """Keras, imported without TensorFlow's greetings: they are written by C++ before any log level counts."""
    if "keras" in sys.modules:
        return sys.modules["keras"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    return keras


def from_keras(model: Any, name: str, input_format: Format | None = None) -> Graph:
    """A built Keras model of QKeras layers in a chain -> its exact Graph.

    input_format: needed if the model does not begin with a quantizer. Raises Refused naming layer and reason.
    """
    layers = _chain(model)
    shape = tuple(model.input_shape[1:])
    if any(size is None for size in shape):
        raise Refused(f"model {name}: input shape {shape} is open; build it with a fixed shape")
    quantizer = None
    if layers and type(layers[0]).__name__ == "QActivation":
        quantizer = _quantizer(layers[0].name, layers[0].activation)
        input_format = quantizer.format
        if quantizer.overflow is not Overflow.SAT_SYM:  # which alone changes a code that its format holds
            layers = layers[1:]
    if input_format is None:
        raise Refused(
            f"model {name} does not begin with a quantizer: give the number format of its input, "
            'for example input_format "fixed<16,6>"'
        )
    builder = _Builder(shape, input_format)
    for layer in layers:
        _LAYERS.get(type(layer).__name__, _refuse_layer)(builder, layer)
    return Graph(name, shape, input_format, tuple(builder.nodes), quantizer)


class KerasBody:
    """A Keras model as a body: float32 inside, integer codes outside; codes that leave the grid are refused."""

    name = "Keras"

    def __init__(self, model: Any, graph: Graph) -> None:
        self._model = model
        self._graph = graph

    def run(self, codes: Codes) -> Codes:
        """Codes (rows, *input_shape) in the graph's input format -> codes in its output format."""
        return self._graph.output_format.to_codes(predict(self._model, self._graph.input_format.to_values(codes)))

    def trace(self, codes: Codes) -> dict[str, Codes]:
        """Output codes of every layer that is a node of the graph, by name, in order."""
        keras = import_keras()
        names = [node.name for node in self._graph.nodes if node.name in {layer.name for layer in self._model.layers}]
        outputs = [self._model.get_layer(name).output for name in names]
        inner = keras.Model(self._model.inputs, outputs)
        values = predict(inner, self._graph.input_format.to_values(codes))
        ends = {name: self._last_node(name) for name in names}
        return {ends[name]: self._graph.formats[ends[name]].to_codes(v) for name, v in zip(names, values, strict=True)}

    def _last_node(self, layer: str) -> str:
        """A layer with an inline activation is two nodes: its output is the second one's."""
        inline = f"{layer}_activation"
        return inline if inline in self._graph.formats else layer


def predict(model: Any, values: Values) -> Any:
    """A Keras model on float32 values, in fixed batches; one array, or a list for several outputs."""
    result = model.predict(values.astype(np.float32), batch_size=PREDICT_BATCH, verbose=0)
    return [np.asarray(r) for r in result] if isinstance(result, list) else np.asarray(result)


def load_model(path: Path) -> Any:
    """A Keras model from a .keras or .h5 file; Lambda layers and damaged files are refused in one line."""
    keras = import_keras()
    from qkeras.utils import _add_supported_quantized_objects

    if not path.is_file():
        raise QcompressError(f"{path}: no such model file")
    objects: dict[str, Any] = {}
    _add_supported_quantized_objects(objects)
    try:
        return keras.models.load_model(path, custom_objects=objects, compile=False, safe_mode=True)
    except Exception as fault:
        line = str(fault).strip().splitlines()
        raise QcompressError(
            f"{path}: not a readable Keras model ({line[0] if line else type(fault).__name__})"
        ) from None


def save_model(model: Any, path: Path) -> None:
    """Write a .keras file whose bytes depend on the model alone: no date of saving, no time stamps."""
    buffer = path.with_name(path.name + ".new.keras")
    model.save(buffer)
    with zipfile.ZipFile(buffer) as given, zipfile.ZipFile(path, "w") as kept:
        for entry in sorted(given.namelist()):
            data = given.read(entry)
            if entry == "metadata.json":
                data = json.dumps(json.loads(data) | {"date_saved": ""}).encode()
            if entry == "config.json":
                data = json.dumps(_renumber(json.loads(data), {})).encode()
            kept.writestr(zipfile.ZipInfo(entry), data)
    buffer.unlink()


def _renumber(config: Any, known: dict[int, int]) -> Any:
    """Shared objects numbered in order of appearance instead of by memory address."""
    if isinstance(config, list):
        return [_renumber(item, known) for item in config]
    if isinstance(config, dict):
        return {
            key: known.setdefault(item, len(known)) if key == "shared_object_id" else _renumber(item, known)
            for key, item in config.items()
        }
    return config


class _Builder:
    """The graph so far: nodes, and the format and exact range at its end."""

    def __init__(self, shape: tuple[int, ...], format_: Format) -> None:
        self.nodes: list[Node] = []
        self.format = format_
        self.range = Range(np.full(shape, format_.min_code, np.int64), np.full(shape, format_.max_code, np.int64))

    def add(self, name: str, operation: Unary) -> None:
        self.range = operation.output_range(self.range, self.format)
        self.format = operation.output_format(self.format)
        self.nodes.append(Node(name, operation, self.nodes[-1].name if self.nodes else "input"))


def _chain(model: Any) -> list[Any]:
    """Layers from input to output; anything but a chain is refused."""
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise Refused(
            f"model {model.name}: {len(model.inputs)} inputs and {len(model.outputs)} outputs; give one of each"
        )
    if type(model).__name__ != "Sequential":  # which is a chain by construction
        for before, layer in zip([model.inputs[0]._keras_history.operation, *layers], layers, strict=False):
            sources = {tensor._keras_history.operation for tensor in _input_tensors(model, layer)}
            if sources != {before}:
                raise Refused(f"layer {layer.name}: does not follow {before.name} alone; use a chain of layers")
    return layers


def _input_tensors(model: Any, layer: Any) -> list[Any]:
    """What flows into a layer inside this model; a layer may have been called elsewhere too."""
    inside = {id(node) for nodes in model._nodes_by_depth.values() for node in nodes}
    return [tensor for node in layer._inbound_nodes if id(node) in inside for tensor in node.input_tensors]


def _quantizer(layer: str, quantizer: Any) -> Cast:
    kind = type(quantizer).__name__
    if kind not in _QUANTIZERS:
        raise Refused(f"layer {layer}: quantizer {kind} is not supported; use one of {', '.join(_QUANTIZERS)}")
    for option in ("use_stochastic_rounding", "post_training_scale"):
        if getattr(quantizer, option, None):
            raise Refused(f"layer {layer}: {kind} with {option} is not exact; remove it")
    if float(quantizer.qnoise_factor) != 1.0:
        raise Refused(f"layer {layer}: {kind} with qnoise_factor {quantizer.qnoise_factor}; set it to 1")
    return _QUANTIZERS[kind](layer, quantizer)


def _quantized_bits(layer: str, quantizer: Any) -> Cast:
    if not (isinstance(quantizer.alpha, int | float) and quantizer.alpha == 1):
        raise Refused(f"layer {layer}: quantized_bits with alpha={quantizer.alpha!r}; give alpha=1")
    signed = bool(quantizer.keep_negative)
    if quantizer.bits < 2 and signed:
        raise Refused(f"layer {layer}: quantized_bits of {quantizer.bits} bit gives +-1 values; use 2 bits or more")
    overflow = Overflow.SAT_SYM if quantizer.symmetric else Overflow.SAT
    format_ = Format(signed, int(quantizer.bits), int(quantizer.integer) + signed)
    return Cast(format_, Rounding.RND_CONV, overflow)


def _quantized_relu(layer: str, quantizer: Any) -> Cast:
    if quantizer.use_sigmoid or quantizer.negative_slope:
        raise Refused(f"layer {layer}: quantized_relu with use_sigmoid or negative_slope; use the plain one")
    if quantizer.relu_upper_bound is not None:
        raise Refused(f"layer {layer}: quantized_relu with relu_upper_bound; choose the integer bits instead")
    return Cast(Format(False, int(quantizer.bits), int(quantizer.integer)), Rounding.RND_CONV, Overflow.SAT)


_QUANTIZERS: dict[str, Callable[[str, Any], Cast]] = {
    "quantized_bits": _quantized_bits,
    "quantized_relu": _quantized_relu,
}


def _weights(layer: Any, what: str) -> tuple[Codes, Format]:
    """Codes and format of a layer's kernel or bias, as its own quantizer gives them."""
    quantizer = getattr(layer, f"{what}_quantizer_internal")
    if quantizer is None:
        raise Refused(
            f"layer {layer.name}: its {what} has no quantizer; give {what}_quantizer=quantized_bits(..., alpha=1)"
        )
    format_ = _quantizer(layer.name, quantizer).format
    try:
        return format_.to_codes(np.asarray(quantizer(getattr(layer, what)))), format_
    except QcompressError as fault:
        raise Refused(f"layer {layer.name}: {what}: {fault}") from None


def _linear_arguments(layer: Any, kernel: str = "kernel") -> dict[str, Any]:
    codes, format_ = _weights(layer, kernel)
    if layer.use_bias:
        bias, bias_format = _weights(layer, "bias")
    else:
        bias, bias_format = np.zeros(codes.shape[-1], np.int64), format_
    return {
        "kernel": codes,
        "kernel_format": format_,
        "bias": bias,
        "bias_format": bias_format,
        "accumulator": Format(True, 32, 16),
    }


def _add_inline_activation(builder: _Builder, layer: Any) -> None:
    activation = layer.activation
    if activation is None or getattr(activation, "__name__", "") == "linear":
        return
    if not hasattr(activation, "bits"):
        label = getattr(activation, "__name__", type(activation).__name__)
        raise Refused(f"layer {layer.name}: activation {label} is not quantized; use quantized_relu or quantized_bits")
    builder.add(f"{layer.name}_activation", Quantize(_quantizer(layer.name, activation)))


def _qdense(builder: _Builder, layer: Any) -> None:
    if len(builder.range.low.shape) != 1:
        raise Refused(f"layer {layer.name}: QDense on shape {builder.range.low.shape}; put a Flatten before it")
    operation = Dense(**_linear_arguments(layer))
    builder.add(layer.name, with_lossless_accumulator(operation, builder.range, builder.format))
    _add_inline_activation(builder, layer)


def _qconv2d(builder: _Builder, layer: Any) -> None:
    if tuple(layer.dilation_rate) != (1, 1) or layer.groups != 1 or layer.data_format != "channels_last":
        raise Refused(f"layer {layer.name}: QConv2D with dilation, groups or channels first; use neither")
    if getattr(layer, "mask", None) is not None:
        raise Refused(f"layer {layer.name}: QConv2D with a mask; bake it into the weights")
    padding = {"valid": _no_padding, "same": _same_padding}.get(layer.padding)
    if padding is None:
        raise Refused(f"layer {layer.name}: padding {layer.padding!r}; use 'same' or 'valid'")
    shape = builder.range.low.shape
    pads = tuple(padding(*sizes) for sizes in zip(shape, layer.kernel_size, layer.strides, strict=False))
    operation = Conv2D(**_linear_arguments(layer), strides=tuple(layer.strides), padding=(pads[0], pads[1]))
    builder.add(layer.name, with_lossless_accumulator(operation, builder.range, builder.format))
    _add_inline_activation(builder, layer)


def _no_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    return (0, 0)


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Keras 'same': as many zeros as the last window needs, the odd one at the end."""
    needed = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return needed // 2, needed - needed // 2


def _qactivation(builder: _Builder, layer: Any) -> None:
    builder.add(layer.name, Quantize(_quantizer(layer.name, layer.activation)))


def _flatten(builder: _Builder, layer: Any) -> None:
    if layer.data_format != "channels_last":
        raise Refused(f"layer {layer.name}: Flatten with channels first; use channels_last")
    builder.add(layer.name, Flatten())


def _refuse_layer(builder: _Builder, layer: Any) -> None:
    raise Refused(f"layer {layer.name}: {type(layer).__name__} is not supported; a model may use {', '.join(_LAYERS)}")


_LAYERS: dict[str, Callable[[_Builder, Any], None]] = {
    "QDense": _qdense,
    "QConv2D": _qconv2d,
    "QActivation": _qactivation,
    "Flatten": _flatten,
}
