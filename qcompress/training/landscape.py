"""The loss around the data in input space, and what quantization does to weights and activations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Values
from qcompress.frontends.calls import Call, calls_of
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Loss, Tensor
from qcompress.frontends.quantizers import weights
from qcompress.frontends.runtime import import_keras, kind_of, predict
from qcompress.graph.graph import INPUT
from qcompress.progress import Report

ELEMENTS = 1024
"""Rows that the landscape is averaged over."""
FINE = 400
"""Points of the smoothed landscape in each direction."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Landscape:
    """Mean loss of the elements moved by a times the first and b times the second principal component.

    a, b: (grid,), in standard deviations of the elements along the component; loss: (grid, grid), a first; share: of
    the elements' variance along the two components.
    """

    a: Floats
    b: Floats
    loss: Floats
    share: tuple[float, float]

    def smoothed(self, points: int = FINE) -> tuple[Floats, Floats, Floats]:
        """a, b (points,) and loss (points, points) by a cubic spline through the grid."""
        from scipy.interpolate import RectBivariateSpline

        a, b = (np.linspace(axis[0], axis[-1], points) for axis in (self.a, self.b))
        return a, b, np.asarray(RectBivariateSpline(self.a, self.b, self.loss, kx=3, ky=3)(a, b))

    def convex_share(self, points: int = FINE) -> float:
        """Share of `points` x `points` places where the spline is convex: no eigenvalue of its Hessian is negative.

        Rounding of 1e-6 of the largest second derivative counts as none.
        """
        from scipy.interpolate import RectBivariateSpline

        spline = RectBivariateSpline(self.a, self.b, self.loss, kx=3, ky=3)
        a, b = (np.linspace(axis[0], axis[-1], points) for axis in (self.a, self.b))
        aa, bb, ab = (spline(a, b, dx=dx, dy=dy) for dx, dy in ((2, 0), (0, 2), (1, 1)))
        lower = (aa + bb) / 2 - np.hypot((aa - bb) / 2, ab)
        return float((lower >= -1e-6 * max(np.abs(aa).max(), np.abs(bb).max())).mean())


def principal_components(elements: Floats) -> tuple[Floats, Floats]:
    """Rows elements (n, k) -> the first two components, (2, k), and the shares of the variance, (2,).

    Each component is as long as the standard deviation along it; its largest entry is positive.
    """
    centred = elements - elements.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    components = directions[:2] * (singular[:2, None] / np.sqrt(len(elements)))
    signs = np.sign(components[np.arange(2), np.abs(components).argmax(axis=1)])
    return components * signs[:, None], singular[:2] ** 2 / (singular**2).sum()


def landscape(
    model: KerasModel,
    loss: Loss,
    inputs: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float32],
    reach: float,
    grid: int,
    report: Report,
) -> Landscape:
    """The mean loss of model over X + a PC1 + b PC2 of the rows X of `inputs`, the targets held.

    loss(target, output): as in training; inputs, targets: (rows, ...); grid: how many a and b there are, each from
    -reach to reach; report: told after each a.
    """
    import tensorflow as tf

    flat = inputs.reshape(len(inputs), -1)
    components, share = principal_components(flat.astype(np.float64))
    first, second = (tf.constant(part.reshape(inputs.shape[1:]), tf.float32) for part in components)
    rows, wanted = tf.constant(inputs), tf.constant(targets)

    @tf.function  # type: ignore[untyped-decorator]
    def mean_loss(a: Tensor, b: Tensor) -> Tensor:
        return tf.reduce_mean(loss(wanted, model(rows + a * first + b * second, training=False)))

    steps = np.linspace(-reach, reach, grid)
    found = np.empty((grid, grid))
    for row, a in enumerate(steps):
        for column, b in enumerate(steps):
            found[row, column] = float(mean_loss(tf.constant(a, tf.float32), tf.constant(b, tf.float32)))
        report(row + 1, grid, "loss landscape")
    return Landscape(steps, steps, found, (float(share[0]), float(share[1])))


@dataclass(frozen=True)
class Distribution:
    """Values of a layer before and after its quantization, flat."""

    before: Values
    after: Values

    @property
    def zeros(self) -> float:
        """Share of values that quantization makes, or leaves, 0."""
        return float(np.mean(self.after == 0))

    @property
    def shift(self) -> float:
        """Mean of after - before."""
        return float(np.mean(self.after - self.before))

    @property
    def noise(self) -> float:
        """Standard deviation of after - before."""
        return float(np.std(self.after - self.before))


def weight_distributions(model: KerasModel) -> dict[str, Distribution]:
    """Kernel of every layer of a quantized model whose kernel is quantized, by name of the layer."""
    found = {}
    for call in calls_of(model)[0]:
        for what in ("kernel", "depthwise_kernel", "pointwise_kernel"):
            if _is_quantized(call.layer, what):
                codes, format_ = weights(call.layer, what)
                name = call.name if what == "kernel" else f"{call.name}, {what.removesuffix('_kernel')}"
                raw = np.asarray(getattr(call.layer, what), np.float64)
                found[name] = Distribution(raw.ravel(), format_.to_values(codes).ravel())
    return found


def _is_quantized(layer: KerasLayer, what: str) -> bool:
    key = what.removesuffix("_kernel")
    names = (f"{key}_quantizer_internal", f"{key}_cast")
    return hasattr(layer, what) and any(getattr(layer, name, None) is not None for name in names)


def activation_distributions(model: KerasModel, inputs: npt.NDArray[np.float32]) -> dict[str, Distribution]:
    """What goes into and comes out of every layer of a quantized model that only quantizes, for these inputs."""
    calls = [call for call in calls_of(model)[0] if call.tensor is not None]
    outputs = _outputs(model, calls, inputs)
    known: Mapping[str, npt.NDArray[Any]] = {INPUT: inputs, **outputs}
    return {
        call.name: Distribution(*(np.asarray(known[end], np.float64).ravel() for end in (call.sources[0], call.name)))
        for call in calls
        if kind_of(call.layer).rsplit(".", maxsplit=1)[-1] in {"QActivation", "CastActivation"}
        and call.sources[0] in known
    }


def _outputs(model: KerasModel, calls: list[Call], inputs: npt.NDArray[np.float32]) -> dict[str, Values]:
    """What every call gives, by its name."""
    keras = import_keras()
    results = predict(keras.Model(model.inputs, [call.tensor for call in calls]), inputs.astype(np.float64))
    listed = results if isinstance(results, list) else [results]
    return {call.name: values for call, values in zip(calls, listed, strict=True)}
