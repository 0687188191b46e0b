"""Training steps on rows that are read batch by batch: the next one while a step is computed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.training.data import StreamedData, TrainingData, pieces, row_count
from qcompress.training.steps import Losses, Steps, validation_batch


class StreamedSteps(Steps):
    """`Steps` whose rows stay where they are."""

    def _place(self, data: Any) -> None:
        import tensorflow as tf

        self._data: StreamedData = data
        self._update = tf.function(self._descend, jit_compile=self._xla, reduce_retracing=True)

    def run(self, order: npt.NDArray[np.int32]) -> Losses:
        """Train on rows `order` (steps, batch); stops behind the first step whose loss is no number."""
        losses: list[np.float32] = []
        with ThreadPoolExecutor(1) as reader:
            waiting = reader.submit(self._data.read, order[0])
            for step in range(len(order)):
                inputs, targets = waiting.result()
                if step + 1 < len(order):
                    waiting = reader.submit(self._data.read, order[step + 1])
                losses.append(self._update(inputs, targets).numpy())
                if not np.isfinite(losses[-1]):
                    break
        found = np.array(losses, np.float32)
        return Losses(found, bool(np.isfinite(found).all()))

    def _at_once(self) -> int:
        """Rows of one batch of the validation."""
        return min(validation_batch(self._data.validation_read(np.arange(1))[0]), self._data.at_once)

    def validation_loss(self) -> float:
        """Mean over all validation rows, with the weights as they are."""
        total = 0.0
        for numbers in pieces(self._data.validation_rows, self._at_once()):
            inputs, targets = self._data.validation_read(numbers)
            total += float(self._score(inputs, targets)) * row_count(inputs)
        return total / self._data.validation_rows

    def validation_outputs(self) -> tuple[Any, Any]:
        """Outputs of the model for all validation rows, with the weights as they are, and the targets."""
        outputs, wanted = [], []
        for numbers in pieces(self._data.validation_rows, self._at_once()):
            inputs, targets = self._data.validation_read(numbers)
            outputs.append(self._outputs(inputs).numpy())
            wanted.append(targets)
        return np.concatenate(outputs), np.concatenate(wanted)


def steps_for(data: TrainingData | StreamedData) -> type[Steps]:
    """The class that trains on data: its rows in memory, or streamed."""
    return StreamedSteps if isinstance(data, StreamedData) else Steps
