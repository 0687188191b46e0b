"""Commands that installed detectors add."""

import importlib.metadata
from typing import Any

import typer
from typer.core import TyperGroup

from qcompress.errors import QcompressError

GROUP = "qcompress.commands"


class DetectorCommands(TyperGroup):
    """Our commands and those of installed detectors, each of which is imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Ours in their order, then those of detectors by name; ctx: of the invocation."""
        return [*super().list_commands(ctx), *sorted(_entries())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command called `cmd_name`, None if there is none; ctx: of the invocation.

        Raises QcompressError if a detector's cannot be loaded.
        """
        entry = _entries().get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        try:
            loaded = entry.load()
        except (ImportError, AttributeError) as fault:
            raise QcompressError(f"command {cmd_name}: {entry.value} cannot be loaded ({fault})") from None
        command = typer.main.get_command(loaded)
        command.name = cmd_name
        return command


def _entries() -> dict[str, importlib.metadata.EntryPoint]:
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}
