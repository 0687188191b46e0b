"""Models of the user's own in place of built-in networks: found, identified, checked against the stages."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from qcompress.config import Config
from qcompress.detectors import Detector, FrontEndRegisters, Network
from qcompress.errors import QcompressError
from qcompress.files import file_hash
from qcompress.frontends import load_model, model_of
from qcompress.graph import Chain, Graph
from qcompress.graph.stage import ports_in, ports_out

ONLY = ""
"""Key of a model that is given without a network's name: there must be one network alone."""
Given = Mapping[str, Any | Callable[[], Any]]
"""Keras models, or functions that build one, by network name."""


class OwnModel(NamedTuple):
    """A model of the user's: how it was given, and its Keras file."""

    told: str
    path: Path


def named_in(config: Config) -> dict[str, OwnModel]:
    """What `network.model` of a config names, by network; raises QcompressError for a file that is not there."""
    given = getattr(config.network, "model", None)
    files = given if isinstance(given, dict) else {} if given is None else {ONLY: given}
    for path in files.values():
        if not path.is_file():
            raise QcompressError(f"network.model {path}: no such file; give a Keras model (.keras or .h5)")
    return {name: OwnModel(f"network.model {path}", path) for name, path in files.items()}


@contextmanager
def own_models(config: Config, models: Given | None) -> Iterator[dict[str, OwnModel]]:
    """The user's models by network: those of the config, and those given in Python, as files while this lasts.

    A function is called with the config's seed set. A model that is given is not changed itself.
    """
    models_by_name = named_in(config)
    if not models:
        yield models_by_name
        return
    from qcompress.training.fit import make_deterministic

    if models_by_name:
        raise QcompressError("models are given in Python and as network.model: give one of them")
    with TemporaryDirectory(prefix="qcompress-") as folder:
        for number, (name, model) in enumerate(models.items()):
            if not hasattr(model, "save"):
                make_deterministic(config.seed)
            built = model if hasattr(model, "save") else model()
            if not hasattr(built, "save"):
                raise QcompressError(f"models[{name!r}]: gives {type(built).__name__}, no Keras model")
            path = model_of(built).save(Path(folder, str(number)))
            models_by_name[name] = OwnModel(f"models[{name!r}]", path)
        yield models_by_name


def hashes(models: Mapping[str, OwnModel]) -> dict[str, str]:
    """SHA-256 of the files of models, by network."""
    return {name: file_hash(own.path) for name, own in sorted(models.items())}


def build_networks(
    detector: Detector, options: Any, front_end: FrontEndRegisters, models: Mapping[str, OwnModel]
) -> tuple[Network, ...]:
    """The networks of detector with options, the user's models in them by network.

    front_end: its registers, which the stages take. Raises QcompressError where a model does not fit the stages.
    """
    if not models:
        return detector.networks(options, {})
    usual = {network.name: network for network in detector.networks(options, {})}
    given = _by_network(detector, list(usual), models)
    if set(given) == set(usual) and (keys := options.of_the_family()):
        raise QcompressError(f"{given[next(iter(given))].told}: {keys[0]} describes the built-in network; leave it out")
    loaded = {name: load_model(own.path).content for name, own in given.items()}
    graphs: dict[str, Graph] = {}
    for name, network in usual.items():
        own = given.get(name)
        try:
            graph = detector.graph(name, loaded.get(name, network.quantized), options)
        except QcompressError as fault:
            raise type(fault)(f"{own.told}: {fault}" if own else str(fault)) from None
        if own is not None:
            _check(own, detector, front_end, name, graph, graphs, tuple(network.quantized.output_shape[1:]))
        graphs[name] = graph
    return detector.networks(options, loaded)


def _by_network(detector: Detector, names: list[str], models: Mapping[str, OwnModel]) -> dict[str, OwnModel]:
    """Models by network; a single one without a name belongs to the only network."""
    if ONLY in models and len(names) > 1:
        raise QcompressError(
            f"{models[ONLY].told}: this candidate has the networks {', '.join(names)}; "
            f"say whose it is, as model: {{{names[0]}: FILE}}"
        )
    given = {name or names[0]: own for name, own in models.items()}
    for name, own in given.items():
        if name not in names:
            raise QcompressError(
                f"{own.told}: {detector.name} has no network {name!r} here; there is {', '.join(names)}"
            )
    return given


def _check(
    own: OwnModel,
    detector: Detector,
    front_end: FrontEndRegisters,
    name: str,
    graph: Graph,
    graphs: Mapping[str, Graph],
    output: tuple[int, ...],
) -> None:
    """Raise QcompressError unless a model's graph takes what stands in front of it and gives what is wanted behind."""
    front = detector.preprocess(front_end, name, graphs)
    (wanted,), taken, made = ports_out(front), ports_in(graph), ports_out(graph)
    if [port[1:] for port in taken] != [wanted[1:]]:
        found = " and ".join(f"{port.shape} codes of {port.format}" for port in taken)
        raise QcompressError(
            f"{own.told}: input {found}, {detector.name}'s {name} takes {wanted.shape} codes of {wanted.format}"
        )
    if [port.shape for port in made] != [output]:
        found = " and ".join(str(port.shape) for port in made)
        raise QcompressError(f"{own.told}: output {found}, {detector.name}'s {name} gives {output}")
    try:
        Chain(name, (front, graph, *detector.postprocess(front_end, name, graph)))
    except QcompressError as fault:
        raise QcompressError(f"{own.told}: {fault}") from None
