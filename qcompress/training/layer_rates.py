"""Layers that learn slower than others: shares of the learning rate by the names of layers."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from qcompress.errors import QcompressError
from qcompress.frontends.keras_objects import KerasModel, Tensor

Shares = Mapping[str, float]
"""Pattern of names of layers (`*`, `?`, `[ab]`) -> share of the learning rate; the first that fits counts."""


def check(models: Iterable[KerasModel], shares: Shares) -> None:
    """Raises QcompressError for a pattern that fits no layer with weights of any of `models`."""
    names = [layer.name for model in models for layer in _layers(model)]
    for pattern in shares:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise QcompressError(
                f"training.layer_rates: {pattern!r} fits no layer with weights; there are {', '.join(names)}"
            )


def shares_of(model: KerasModel, shares: Shares) -> list[float]:
    """Share of the learning rate of every trainable variable of `model`, in its order; 1 where no pattern fits."""
    own = {id(variable): layer.name for layer in _layers(model) for variable in layer._trainable_variables}
    return [_share(own.get(id(variable), ""), shares) for variable in model.trainable_variables]


def slowed(variables: list[Tensor], before: list[Tensor], shares: list[float]) -> None:
    """Take variables back to where a step with their share of the learning rate had led them, decay included.

    before: their values in front of the step; shares: of each. A step of Adam is proportional to its rate.
    """
    for variable, old, share in zip(variables, before, shares, strict=True):
        if share != 1:
            variable.assign(old + share * (variable.value - old))


def _layers(model: KerasModel) -> list[Tensor]:
    """Layers that hold trainable variables themselves."""
    return [layer for layer in model._flatten_layers(include_self=False) if layer._trainable_variables]


def _share(name: str, shares: Shares) -> float:
    return next((share for pattern, share in shares.items() if fnmatchcase(name, pattern)), 1.0)
