"""The detector plug: what a detector must offer."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.evaluation import Evaluation
from qcompress.detectors.firmware import Decoders, Firmware, FrontEndRegisters
from qcompress.detectors.options import NetworkSection, Options
from qcompress.detectors.results import Results
from qcompress.detectors.rows import Rows
from qcompress.errors import QcompressError, QcompressWarning
from qcompress.files import JsonObject
from qcompress.fixedpoint import Codes
from qcompress.frontends import model_of
from qcompress.frontends.keras_objects import KerasModel, Loss
from qcompress.graph import Graph, Stage
from qcompress.progress import Report

FINISH_ROWS = 10_000


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
    rows, `FINISH_ROWS` at most): what is done to the quantized model after the fit. measure(outputs, targets): of all
    validation rows what decides which epoch is the best, instead of the validation loss, the smaller the better.
    augment(inputs, targets, two int32): of a batch that is trained on, as it could have been, decided by the numbers.
    """

    name: str
    quantized: KerasModel
    trained: KerasModel
    loss: Loss
    companions: Mapping[str, KerasModel] = field(default_factory=dict)
    sided: bool = False
    finish: Callable[[Codes], None] | None = None
    measure: Callable[[Any, Any], float] | None = None
    augment: Callable[[Any, Any, Any], tuple[Any, Any]] | None = None


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
    more_scores: ClassVar[tuple[str, ...]] = ()
    """Names of the other summary figures, which have no axis of their own."""
    shares: ClassVar[frozenset[str]] = frozenset()
    """Those of all these that are shares of one: tables, pages and axes show them in per cent, JSON keeps the share."""
    counted: ClassVar[str] = "rows"
    """What the rows of a sample's card are: each may be a part of what a network takes."""

    def simulate(self, kind: str, events: int, seed: int, path: Path, report: Report) -> None:
        """Write a sample file at `path` of simulated `events`, so many, split by event.

        kind: one of `kinds`; seed: the same one gives the same bits; report: told how many events are done. Raises
        QcompressError for a detector without simulation, and for another kind.
        """
        raise QcompressError(f"detector {self.name} has no simulation; give it a sample file")

    def simulate_selected(self, kind: str, events: int, seed: int, cuts: Any, path: Path, report: Report) -> None:
        """Write a sample file of what `cuts` keep of simulated events, never all of them in memory or on disk.

        kind, events, seed, path, report: as for `simulate`; cuts: plain values, as a config's `sample.select` has them.
        Raises QcompressError for a detector without selections, and for cuts that it does not know.
        """
        raise QcompressError(f"{path}: detector {self.name} has no selections")

    def kind_of(self, given: Mapping[str, Any]) -> str:
        """The sample that the detector's own options of the command simulate, given instead of --sample, name."""
        raise QcompressError(f"samples of detector {self.name} are named with --sample")

    def simulated_split(self, events: int, seed: int) -> npt.NDArray[np.uint8] | None:
        """The part of the split of each of so many `events` that `simulate` would make of a `seed`, in order.

        None for a detector that does not know it before.
        """
        return None

    def split_of(self, path: Path) -> npt.NDArray[np.uint8] | None:
        """The part of the split of each event of the sample at `path`; None for a detector that does not tell it."""
        return None

    def owns(self, path: Path) -> bool:
        """Whether the file at `path` is a sample of this detector, by its header; False if that cannot be told."""
        return False

    def inspect(self, path: Path) -> Results:
        """What is in the sample file at `path`: tables and figures; raises QcompressError if it is none."""
        raise QcompressError(f"{path}: detector {self.name} has nothing that looks into its samples")

    def import_sample(
        self, source: Path, target: Path, skip_bad_rows: bool, settings: Mapping[str, str], report: Report
    ) -> str:
        """Write a sample, `target`, of a file, or folder, of another program; returns one line on what was found.

        source: that file; skip_bad_rows: leave out and count bad rows, which are refused otherwise; settings: what the
        file does not say of itself, by name; report: told how many rows are done. Raises QcompressError naming file and
        row.
        """
        raise QcompressError(f"{source}: detector {self.name} reads no files of other programs")

    def export_sample(self, sample: Path, target: Path, settings: Mapping[str, str]) -> str:
        """Write a `sample` for other programs, in the format of the ending of `target`; returns one line.

        settings: how it is written, by name. Raises QcompressError for an ending or a setting that is not known.
        """
        raise QcompressError(f"{target}: detector {self.name} writes no files for other programs")

    def select(self, source: Path, target: Path, cuts: Any, report: Report) -> str:
        """Write what `cuts` keep of a sample, a card beside it; returns one line of counts.

        source: the sample; target: the one to write; cuts: plain values, as a config's `sample.select` has them;
        report: told how many rows are done. Raises QcompressError for cuts that the detector does not know.
        """
        raise QcompressError(f"{source}: detector {self.name} has no selections")

    @abstractmethod
    def card(self, path: Path) -> SampleCard:
        """Identify the sample file at `path`; raises QcompressError if it is none."""

    @abstractmethod
    def rows(self, path: Path, front_end: FrontEndRegisters, network: str) -> Rows:
        """The sample at `path` as codes in front of all stages of a `network`, and its targets.

        front_end: the registers that the stages are set to.
        """

    @abstractmethod
    def front_end(self, options: Any) -> JsonObject:
        """The registers in front of the networks, as JSON, which travel with the candidate.

        options: of the config's section `network`.
        """

    @abstractmethod
    def preprocess(self, front_end: FrontEndRegisters, network: str, graphs: Mapping[str, Graph]) -> Stage:
        """The integer stage that makes the input codes of a `network` of a sample's codes.

        front_end: the registers that it is set to; graphs: those of the networks before it, by name; a chain that holds
        one of them is a cascade.
        """

    def postprocess(self, front_end: FrontEndRegisters, network: str, graph: Graph) -> tuple[Stage, ...]:
        """The integer stages that make read-out words of a network's output codes; none unless the detector has any.

        front_end: the registers that they are set to; network: its name; graph: its arithmetic, with the output's
        format. Raises QcompressError for an output that the read-out cannot carry.
        """
        return ()

    @abstractmethod
    def networks(self, options: Any, own: Mapping[str, KerasModel]) -> tuple[Network, ...]:
        """Build the networks with fresh weights, in the order in which they are trained.

        options: of section `network`; own: Keras models of the user's, by network name, that are trained instead of the
        built-in ones.
        """

    def graph(self, name: str, model: KerasModel, options: Any) -> Graph:
        """The firmware's arithmetic of a trained network: the model's own, unless the detector's chip has another.

        name: of the network; model: the trained one; options: of section `network`. Raises QcompressError for a layer
        that has no exact counterpart.
        """
        conversion = model_of(model).convert(name)
        for note in conversion.notes:
            warnings.warn(f"network {name}: {note}", QcompressWarning, stacklevel=2)
        return conversion.graph

    def keras_is_body(self, options: Any) -> bool:
        """Whether the trained model must give the same codes as the graph; options: of section `network`."""
        return True

    @abstractmethod
    def emulate(
        self, firmware: Firmware, source: Path, target: Path, overrides: Mapping[str, Any], report: Report
    ) -> str:
        """Run the `firmware` on a file of read-out words; writes `target` whole or not at all; returns one line.

        source: that file; overrides: what was given of the detector's own options of the command emulate, by name;
        report: told how much is done. Raises QcompressError naming file and row of words that are none.
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
        """Score the firmware's integers on the test rows of the sample at `path`; decode: companions by name.

        firmware: the candidate's integers; wanted: what of the sample is scored, and how it is shared out; report: told
        how much is done.
        """

    def check_apart(self, sample: Path, trained: Path, every: bool = False) -> None:
        """Raise QcompressError if test events of a `sample` are among the training events of another, `trained`.

        every: all events of the sample but those for calibration.
        """
        raise QcompressError(f"{sample}: detector {self.name} cannot tell whether its events trained the candidate")
