"""Text of generated files: lines with their indentation."""

from collections.abc import Iterator
from contextlib import contextmanager


class Lines:
    """Lines of a file that is being written, each indented by the blocks that it stands in."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def line(self, *texts: str) -> None:
        """Add lines, `texts`; an empty one is not indented."""
        self._lines += ["    " * self._depth + text if text else "" for text in texts]

    @contextmanager
    def indented(self, opening: str, closing: str) -> Iterator[None]:
        """Lines between the lines `opening` and `closing`, one step further in."""
        self.line(opening)
        self._depth += 1
        yield
        self._depth -= 1
        self.line(closing)

    def text(self) -> str:
        """The whole file."""
        return "\n".join(self._lines) + "\n"
