"""What each step of a candidate finds, typed, and how a manifest keeps it.

Figures that an older version did not write have their defaults; those that a newer one added are left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from qcompress.detectors import Results, Table
from qcompress.files import Json, JsonObject
from qcompress.frontends.post_training.figures import Cost
from qcompress.synthesis import SynthesisReport
from qcompress.verification import Comparison

Found = TypeVar("Found")
Score = int | float | None


@dataclass(frozen=True)
class SampleFigures:
    """Where a sample comes from, and what identifies it: SHA-256 of its content and of its event split."""

    origin: str
    rows: int
    events: int
    content_hash: str
    split_hash: str


@dataclass(frozen=True)
class TrainingFigures:
    """How the fit of a network went; unknown (None) where an older version did not say it.

    overtrained_since: the epoch behind which validation turned up; companions: names of the other trained models; own:
    whether the model is the user's.
    """

    epochs: int | None = None
    best_epoch: int | None = None
    validation_loss: float | None = None
    kept: str | None = None
    overtrained_since: int | None = None
    training_rows: int | None = None
    companions: tuple[str, ...] = ()
    own: bool = False


@dataclass(frozen=True)
class GraphFigures:
    """Size and exactness of a network's graph; unknown (None) where an older version did not say it.

    graph: SHA-256 of its content; weight_bits, output_bits: of all weights, all output codes; multiplications: products
    of one inference; formats: of every node's codes; float32_sums_exact: by layer, whether Keras' sums are;
    keras_is_body: whether the model must give the same codes; quantization: of a model quantized after training, what
    that cost; notes: what the front end and refused targets say.
    """

    graph: str | None = None
    weights: int | None = None
    weight_bits: int | None = None
    multiplications: int | None = None
    output_bits: int | None = None
    formats: Mapping[str, str] | None = None
    float32_sums_exact: Mapping[str, bool] | None = None
    keras_is_body: bool | None = None
    quantization: Cost | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvaluationFigures:
    """A detector's tables, the few figures that `compare` shows, by name, and a line for each check that failed.

    captions: what pictures show, by their names.
    """

    summary: Mapping[str, Score]
    tables: tuple[Table, ...]
    failures: tuple[str, ...] = ()
    captions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Results) -> "EvaluationFigures":
        """What a manifest keeps of the results of an evaluation."""
        return cls(dict(results.summary), results.tables, results.failures, dict(results.captions))


@dataclass(frozen=True)
class ReportFigures:
    """A page finds nothing."""


@dataclass(frozen=True)
class SweepFigures:
    """What a sweep of the learning-rate finder suggests, at one weight decay."""

    weight_decay: float
    suggested_maximum: float
    rate_of_lowest_loss: float
    lowest_loss: float


@dataclass(frozen=True)
class QuantizationFigures:
    """What quantization does to a layer's values: zeros behind it (share), mean and spread of after minus before."""

    zeros: float
    shift: float
    noise: float


@dataclass(frozen=True)
class LandscapeFigures:
    """The loss around a network's data.

    lowest_at: standard deviations along the two principal components; variance_share: of each of the two; convex_share:
    of the landscape's area; distributions: "weights" or "activations" -> layer -> what quantization does to them.
    """

    elements: int
    loss_at_data: float
    lowest_loss: float
    lowest_at: tuple[float, float]
    highest_loss: float
    variance_share: tuple[float, float]
    convex_share: float
    distributions: Mapping[str, Mapping[str, QuantizationFigures]]


@dataclass(frozen=True)
class StepFigures(Generic[Found]):
    """The figures of a step: its name, and their type."""

    step: str
    kind: type[Found]

    def from_json(self, told: Json) -> Found:
        """Figures of what a manifest tells, `told`; raises ValueError naming the first that is wrong."""
        try:
            return TypeAdapter(self.kind).validate_python(told)
        except ValidationError as fault:
            error = fault.errors()[0]
            place = ".".join(map(str, ("steps", self.step, "figures", *error["loc"])))
            raise ValueError(place) from None

    def to_json(self, found: Found) -> JsonObject:
        """What a manifest keeps of figures, `found`."""
        told: JsonObject = plain(found)
        return told


SAMPLE = StepFigures("sample", SampleFigures)
TRAINING = StepFigures("train", dict[str, TrainingFigures])
"""By network, as are those of most steps."""
GRAPHS = StepFigures("compile", dict[str, GraphFigures])
VERIFICATION = StepFigures("verify", dict[str, list[Comparison]])
SYNTHESIS = StepFigures("synthesize", dict[str, SynthesisReport])
EVALUATION = StepFigures("evaluate", EvaluationFigures)
REPORT = StepFigures("report", ReportFigures)
KEPT: tuple[StepFigures[Any], ...] = (SAMPLE, TRAINING, GRAPHS, VERIFICATION, SYNTHESIS, EVALUATION, REPORT)
"""Those that manifests keep."""


def plain(value: Any) -> Json:
    """The JSON value of dataclasses and named tuples, mappings, sequences, numbers and words, `value`."""
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    named: Callable[[], dict[str, Any]] | None = getattr(value, "_asdict", None)
    if named is not None:
        return plain(named())
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(entry) for entry in value]
    return value
