"""Searches whose trials cost nothing: a config of the tests' own detector, figures by a formula."""

from pathlib import Path

from qcompress.search.asked import Search, read_search
from qcompress.search.study import Outcome
from qcompress.search.trial import Task

CONFIG = """\
name: found
detector: dummy
sample: {simulate: uniform, events: 300}
network: {weight_bits: 6}
training: {epochs: 3, batch_size: 50}
targets: {cpp: header, hls: null, rtl: null}
verification: {test_rows: 20, random_rows: 20}
search:
  space:
    network.weight_bits: {low: 2, high: 8}
    training.learning_rate: {low: 0.001, high: 0.1, log: true}
  objectives: {validation_loss: minimize, lut: minimize}
  trials: 12
"""


def search_in(folder: Path, *changes: tuple[str, str]) -> Search:
    """The search of `CONFIG`, with texts in it replaced, in folder."""
    text = CONFIG
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    folder.mkdir(exist_ok=True)
    (folder / "c.yaml").write_text(text)
    return read_search(folder / "c.yaml", folder / "found", None)


def formula(task: Task) -> Outcome:
    """A loss that falls with the bits, LUTs that rise with them; 7 bits are a fault."""
    bits, rate = task.config["network"]["weight_bits"], task.config["training"]["learning_rate"]
    if bits == 7:
        return Outcome(task.number, fault="seven is refused", seconds=1.0)
    return Outcome(task.number, {"validation_loss": 1 / bits + abs(rate - 0.01), "lut": 10 * bits}, seconds=1.0)
