"""The detector plug: what a detector must offer, and how an installed one is found.

A detector is a module named in the entry-point group ``qcompress.detectors``; it holds an object ``DETECTOR``
derived from `Detector`. It is imported only when a config or a command names it.
"""

import difflib
import importlib.metadata
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from qcompress.detectors.rows import Rows
from qcompress.errors import QcompressError, QcompressWarning
from qcompress.fixedpoint import Codes, Values
from qcompress.frontends import model_of
from qcompress.frontends.keras_objects import KerasModel, Loss
from qcompress.graph import Chain, Graph, Stage
from qcompress.progress import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "CALIBRATION",
    "FINISH_ROWS",
    "GROUP",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Cell",
    "Decoders",
    "Detector",
    "Evaluation",
    "Firmware",
    "Network",
    "NetworkSection",
    "Options",
    "Results",
    "Rows",
    "Running",
    "SampleCard",
    "Table",
    "detector_names",
    "load_detector",
    "owner_of",
    "reader_of",
]

GROUP = "qcompress.detectors"
TRAIN, VALIDATION, TEST, CALIBRATION = range(4)
"""What the split column of a sample says of each event."""
FINISH_ROWS = 10_000


class Options(BaseModel):
    """What a config may say in a section that is the detector's; each detector derives its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkSection(Options):
    """What the `network` section of every config may say; each detector derives its own."""

    family: ClassVar[tuple[str, ...]] = ()
    """Keys that describe the built-in networks alone: they say nothing of a model of the user's own."""

    model: Path | dict[str, Path] | None = None
    """A Keras model of the user's own instead of the built-in network, or one for each network by name."""

    @field_validator("model", mode="before")
    @classmethod
    def _files(cls, given: Any) -> Any:
        files = given.values() if isinstance(given, dict) else [given]
        if given is not None and not all(isinstance(file, str | Path) and str(file) for file in files):
            raise ValueError("give a file of a Keras model, or such a file for each network by name")
        return given

    @model_validator(mode="after")
    def _only_of_the_family(self) -> "NetworkSection":
        if isinstance(self.model, Path) and (keys := self.of_the_family()):
            raise ValueError(f"{keys[0]}: describes the built-in network; leave it out beside model")
        return self

    def of_the_family(self) -> list[str]:
        """Keys of the built-in networks that are not as they are by default."""
        return [key for key in self.family if getattr(self, key) != type(self).model_fields[key].default]


class SampleCard(NamedTuple):
    """What identifies a sample: SHA-256 of its content and of its event split."""

    rows: int
    events: int
    content_hash: str
    split_hash: str


@dataclass(frozen=True)
class Network:
    """One network of a detector, built and ready to train.

    quantized: the Keras model that becomes a graph; trained: the model that is fitted, which contains it;
    loss(target, output); companions: other trained parts that are kept (a decoder), by name. sided: the trained model
    takes its input flattened, with what the rows have on the side behind it. finish(input codes of the first training
    rows, `FINISH_ROWS` at most): what is done to the quantized model after the fit.
    """

    name: str
    quantized: KerasModel
    trained: KerasModel
    loss: Loss
    companions: Mapping[str, KerasModel] = field(default_factory=dict)
    sided: bool = False
    finish: Callable[[Codes], None] | None = None


Cell = str | int | float | None
"""Of a table; None is unknown."""


class Table(NamedTuple):
    """A titled table; cells are numbers, words or None (unknown)."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Results:
    """What an evaluation found: tables, figures by file name, and the few figures that `compare` shows.

    fragments: pieces of HTML for a page of their own, which need nothing from outside.
    failures: a line for each of the detector's checks that did not hold.
    """

    tables: tuple[Table, ...]
    summary: Mapping[str, float]
    figures: Mapping[str, "Figure"] = field(default_factory=dict)
    fragments: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Running:
    """A network with all integer stages around it, as it runs on this machine.

    chain: what was verified; compute: the fastest body of it that is at hand, or None for the chain itself: the same
    codes.
    """

    chain: Chain
    compute: Callable[[Codes], Any] | None = None

    def run(self, codes: Codes) -> dict[str, Codes]:
        """Codes in front of all stages (n, *shape) -> codes of every stage that leaves the chain, by its name."""
        found = (self.compute or self.chain.run)(codes)
        return dict(found) if isinstance(found, Mapping) else {self.chain.outputs[0]: found}


@dataclass(frozen=True)
class Firmware:
    """A candidate as its detector sees it, by network name: graphs, whole chains, and the bodies of the graphs alone.

    front_end: the registers; options: the config's `network` section as plain values, empty for the detector's
    defaults. `chains` are what the candidate is; `run` is for a network behind another front end than its own.
    """

    front_end: Mapping[str, Any]
    graphs: Mapping[str, Graph]
    chains: Mapping[str, Running]
    run: Mapping[str, Callable[[Codes], Codes]]
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_chains(cls, front_end: Mapping[str, Any], chains: Mapping[str, Chain], **options: Any) -> "Firmware":
        """The reference of some chains; the graph of each is the one named first of its outputs."""
        graphs = {}
        for name, chain in chains.items():
            stage = next(stage for stage in chain.stages if stage.name == chain.outputs[0])
            if not isinstance(stage, Graph):
                raise QcompressError(f"chain {chain.name}: {stage.name}, which leaves it first, is no graph")
            graphs[name] = stage
        running = {name: Running(chain) for name, chain in chains.items()}
        return cls(front_end, graphs, running, {name: graph.run for name, graph in graphs.items()}, options)

    def network_codes(self, name: str, codes: Codes) -> Codes:
        """Codes in front of all stages -> the output codes of a network itself, out of its whole chain."""
        return self.chains[name].run(codes)[self.graphs[name].name]


Decoders = Mapping[str, Callable[[Values], Values]]
"""Trained companions by name: values (n, ...) -> values (n, ...)."""


@dataclass(frozen=True)
class Evaluation:
    """What of a sample is scored, and how it is shared out.

    rows: at most so many test rows, all if None; algorithms: the detector's, beside the candidate, its own choice if
    None; tolerance: of its checks, relative; partitions: parts that are scored side by side, by dask's processes on
    this machine or on the cluster at `scheduler`; parts: folder in which finished parts wait for the others, so that
    a killed evaluation goes on; identity: of all that decides the firmware and its decoders; reopen: both once more, in
    another process.
    """

    rows: int | None
    algorithms: tuple[str, ...] | None = None
    tolerance: float = 0.05
    partitions: int = 1
    scheduler: str | None = None
    parts: Path | None = None
    identity: str = ""
    reopen: Callable[[], tuple[Firmware, Decoders]] | None = None

    def whole(self, detector: str) -> int:
        """The number of rows, for a detector without algorithms and parts; raises QcompressError if they are wanted."""
        if self.algorithms or self.partitions != 1 or self.scheduler:
            raise QcompressError(f"detector {detector} has no other algorithms and no partitions to evaluate")
        return sys.maxsize if self.rows is None else self.rows


class Detector(ABC):
    """A detector's side of the house. Methods that train or decode may import TensorFlow; no other may."""

    name: ClassVar[str]
    options: ClassVar[type[NetworkSection]]
    selection: ClassVar[type[Options] | None] = None
    """What a config may say under `sample.select`; None if the detector has no selections."""
    kinds: ClassVar[tuple[str, ...]]
    """Samples that `simulate` can make; none for a detector without a simulation."""
    command_options: ClassVar[Mapping[str, type[Options]]] = {}
    """Options that the detector adds to a command, by its name (emulate, simulate): a field some_name is --some-name,
    its description the help; what is not given is left out.
    """
    imports: ClassVar[tuple[str, ...]] = ()
    """Endings of files of other programs that `import_sample` reads, "" for folders."""
    score_labels: ClassVar[Mapping[str, str]] = {}
    """Axis labels, with units, of the summary figures that `evaluate` gives; the first is what `compare` draws."""

    def simulate(self, kind: str, events: int, seed: int, path: Path, report: Report) -> None:
        """Write a sample file of simulated events, split by event."""
        raise QcompressError(f"detector {self.name} has no simulation; give it a sample file")

    def simulate_selected(self, kind: str, events: int, seed: int, cuts: Any, path: Path, report: Report) -> None:
        """Write a sample file of what plain values keep of simulated events, never all of them in memory or on disk."""
        raise QcompressError(f"{path}: detector {self.name} has no selections")

    def kind_of(self, given: Mapping[str, Any]) -> str:
        """The sample that the detector's own options of the command simulate, given instead of --sample, name."""
        raise QcompressError(f"samples of detector {self.name} are named with --sample")

    def owns(self, path: Path) -> bool:
        """Whether a file is a sample of this detector, by its header alone; not where that cannot be told."""
        return False

    def inspect(self, path: Path) -> Results:
        """What is in a sample file: tables and figures; raises QcompressError if it is none."""
        raise QcompressError(f"{path}: detector {self.name} has nothing that looks into its samples")

    def import_sample(
        self, source: Path, target: Path, skip_bad_rows: bool, settings: Mapping[str, str], report: Report
    ) -> str:
        """Write a sample of a file, or folder, of another program; returns one line on what was found.

        settings: what the file does not say of itself, by name.
        """
        raise QcompressError(f"{source}: detector {self.name} reads no files of other programs")

    def export_sample(self, sample: Path, target: Path, settings: Mapping[str, str]) -> str:
        """Write a sample for other programs, in the format of the file's ending; returns one line."""
        raise QcompressError(f"{target}: detector {self.name} writes no files for other programs")

    def select(self, source: Path, target: Path, cuts: Any, report: Report) -> str:
        """Write the rows of a sample that plain values describe, a card beside it; returns one line of counts."""
        raise QcompressError(f"{source}: detector {self.name} has no selections")

    @abstractmethod
    def card(self, path: Path) -> SampleCard:
        """Identify a sample file; raises QcompressError if it is none."""

    @abstractmethod
    def rows(self, path: Path, front_end: Mapping[str, Any], network: str) -> Rows:
        """A sample as codes in front of the stages of a network that these registers describe, and its targets."""

    @abstractmethod
    def front_end(self, options: Any) -> dict[str, Any]:
        """The registers in front of the network, as JSON: they travel with the candidate."""

    @abstractmethod
    def preprocess(self, front_end: Mapping[str, Any], network: str, graphs: Mapping[str, Graph]) -> Stage:
        """The integer stage that makes a network's input codes of a sample's codes.

        graphs: those of the networks before it; a chain that holds one of them is a cascade.
        """

    def postprocess(self, front_end: Mapping[str, Any], network: str, graph: Graph) -> tuple[Stage, ...]:
        """The integer stages that make read-out words of a network's output codes; none unless the detector has any."""
        return ()

    @abstractmethod
    def networks(self, options: Any, own: Mapping[str, KerasModel]) -> tuple[Network, ...]:
        """Build the networks with fresh weights, in the order in which they are trained.

        own: Keras models of the user's, by network name, that are trained instead of the built-in ones.
        """

    def graph(self, name: str, model: KerasModel, options: Any) -> Graph:
        """The firmware's arithmetic of a trained network: the model's own, unless the detector's chip has another."""
        conversion = model_of(model).convert(name)
        for note in conversion.notes:
            warnings.warn(f"network {name}: {note}", QcompressWarning, stacklevel=2)
        return conversion.graph

    def keras_is_body(self, options: Any) -> bool:
        """Whether the trained model must give the same codes as the graph."""
        return True

    @abstractmethod
    def emulate(
        self, firmware: Firmware, source: Path, target: Path, overrides: Mapping[str, Any], report: Report
    ) -> str:
        """Run the firmware on a file of read-out words; writes `target` whole or not at all; returns one line.

        overrides: what was given of the detector's own options of the command emulate, by name.
        """

    @abstractmethod
    def evaluate(
        self,
        firmware: Firmware,
        path: Path,
        decode: Decoders,
        wanted: Evaluation,
        report: Report,
    ) -> Results:
        """Score the firmware's integers on the test rows of a sample; decode: companions by name."""

    def check_apart(self, sample: Path, trained: Path) -> None:
        """Raise QcompressError if test events of a sample are among the training events of another."""
        raise QcompressError(f"{sample}: detector {self.name} cannot tell whether its events trained the candidate")


def detector_names() -> list[str]:
    """Names of the installed detectors."""
    return sorted(entry.name for entry in _entries())


def load_detector(name: str) -> Detector:
    """The detector of that name; raises QcompressError with the nearest known name."""
    for entry in _entries():
        if entry.name == name:
            try:
                detector = entry.load().DETECTOR
            except (ImportError, AttributeError) as fault:
                raise QcompressError(f"detector {name}: {entry.value} cannot be loaded ({fault})") from None
            if not isinstance(detector, Detector):
                raise QcompressError(f"detector {name}: {entry.value} has no Detector named DETECTOR")
            return detector
    nearest = difflib.get_close_matches(name, detector_names(), 1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(detector_names())}"
    raise QcompressError(f"detector {name!r} is not installed; {hint}")


def owner_of(sample: Path) -> Detector:
    """The installed detector that knows a file as its sample; raises QcompressError if none does, or several."""
    if not sample.is_file():
        raise QcompressError(f"{sample}: no such sample file")
    found = [detector for detector in map(load_detector, detector_names()) if detector.owns(sample)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(detector.name for detector in found) or ", ".join(detector_names())
    told = "a sample of several detectors" if found else "damaged sample file, or of no installed detector"
    raise QcompressError(f"{sample}: {told} ({known}); say with --detector whose it is")


def reader_of(source: Path) -> Detector:
    """The installed detector that reads files with that ending; raises QcompressError if none does, or several."""
    ending = "" if source.is_dir() else source.suffix
    found = [detector for detector in map(load_detector, detector_names()) if ending in detector.imports]
    if len(found) == 1:
        return found[0]
    known = ", ".join(detector.name for detector in found)
    told = f"may be a file of {known}" if found else f"no installed detector reads files ending in {ending or '/'}"
    raise QcompressError(f"{source}: {told}; say with --detector whose it is")


def _entries() -> Iterator[importlib.metadata.EntryPoint]:
    yield from importlib.metadata.entry_points(group=GROUP)
