"""What progress says of the rest: nothing before it can be told, then in words of a length that one can see."""

import io

import pytest
from rich.console import Console

from qcompress import progress
from qcompress.progress import Reporter, duration


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (99, "99 s"), (100, "2 min"), (5999, "100 min"), (79338, "22.0 h")]
)
def test_a_duration_is_short(seconds, words):
    assert duration(seconds) == words


def told(monkeypatch, seconds, done, total):
    """The line after so many seconds."""
    now = iter([1000.0, 1000.0 + seconds])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    text = io.StringIO()
    Reporter(Console(file=text, width=200)).task("train")(done, total, "epochs")
    return text.getvalue().strip()


@pytest.mark.parametrize(
    ("seconds", "done", "total", "line"),
    [
        (3, 1, 1000, "train: 1/1000, epochs"),  # which was 2997 s left
        (3, 100, 1000, "train: 100/1000, epochs, about 27 s left"),
        (30, 30, 1000, "train: 30/1000, epochs, about 16 min left"),
        (30, 3, 1000, "train: 3/1000, epochs"),
        (30, 1000, 1000, "train: 1000/1000, epochs"),
        (30, 0, 1, "train: epochs"),  # a single piece: nothing to count
        (30, 0, 0, "train: epochs"),
    ],
)
def test_what_is_left_is_told_when_it_is_known(monkeypatch, seconds, done, total, line):
    assert told(monkeypatch, seconds, done, total) == line
