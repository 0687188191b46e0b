"""What a config may say about the fit."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Schedule = Literal["constant", "linear", "exponential", "cosine", "step", "one_cycle", "cyclic", "restarts"]


class TrainingOptions(BaseModel):
    """Length and steps of a fit, its learning rate, where it begins and what it keeps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(100, ge=0)
    """0: a checkpoint, that of `start`, becomes the model as it is."""
    batch_size: int = Field(500, ge=1)
    patience: int = Field(30, ge=1)
    """Epochs without a better validation loss after which training stops."""
    learning_rate: float = Field(1e-3, gt=0)
    """The largest that the schedule gives."""
    schedule: Schedule = "constant"
    final_share: float = Field(0.01, ge=0, le=1)
    """Share of the learning rate that is left in the last step, unless the schedule is constant."""
    rise: float = Field(0.3, gt=0, lt=1)
    """one_cycle: share of all steps in which the learning rate rises; cyclic: of those of a cycle."""
    cycles: int = Field(4, ge=1)
    """cyclic, restarts: how many."""
    cycle_growth: float = Field(1.0, ge=1, allow_inf_nan=False)
    """restarts: how many times as long as the one before it a cycle is."""
    layer_rates: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    """Pattern of names of layers -> share of the learning rate that they get, the first that fits; 1 for all others."""
    weight_decay: float = Field(0.0, ge=0)
    """Of AdamW, for kernels; 0 is plain Adam."""
    initialization: Literal["keras", "kaiming"] = "keras"
    """kaiming: kernels drawn anew from N(0, 2 / inputs of a sum) (He et al., arXiv:1502.01852), biases 0."""
    start: Path | None = None
    """A folder of checkpoints (model/checkpoints/... of a candidate) to begin with, instead of fresh weights."""
    keep: Literal["best_validation", "best_training", "last"] = "best_validation"
    """Which checkpoint becomes the model."""
    penalty: float = Field(1e-6, ge=0)
    """Of an effective bit operation in the last epoch, where widths are learned."""
    first_penalty: float | None = Field(None, gt=0)
    """In the first epoch; a hundredth of the last one's unless given."""
    bit_operations: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Where widths are learned: the best epoch with at most so many effective bit operations is kept too."""
    pruned: float = Field(0.0, ge=0, lt=1)
    """Share of each layer's weights that are nothing in the end."""
    pruned_as: Literal["weights", "outputs"] = "weights"
    """outputs: whole neurons and filters, of all layers but the last."""
    pruning_rise: float = Field(0.5, gt=0, le=1)
    """Share of the epochs in which the share of such weights rises."""
    xla: bool = False
    """Compile the step with XLA."""

    @model_validator(mode="after")
    def _never_zero(self) -> "TrainingOptions":
        if self.schedule == "exponential" and self.final_share == 0:
            raise ValueError("final_share 0: an exponential schedule never reaches 0; give a share above 0")
        if self.epochs == 0 and self.start is None:
            raise ValueError("epochs 0: trains nothing; give start, a folder of checkpoints, or an epoch")
        if self.first_penalty is not None and self.first_penalty > self.penalty:
            raise ValueError(f"first_penalty {self.first_penalty}: above penalty {self.penalty}, which is the last one")
        if self.pruned and self.keep != "last":
            raise ValueError(f"pruned and keep {self.keep}: the last epoch has the fewest weights; give keep: last")
        if self.start is not None and self.initialization != "keras":
            raise ValueError(f"start and initialization {self.initialization}: training begins with one of them")
        return self
