"""The warning filters of pyproject.toml, for processes that pytest does not run in."""

import importlib
import tomllib
import warnings

from helpers.paths import ROOT


def apply_filters() -> None:
    """Every warning is an error but those that pyproject.toml lists; ours are what the command says to its user."""
    from qcompress.errors import QcompressWarning

    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    for text in options["filterwarnings"]:
        action, message, category, module = [*text.split(":"), "", "", ""][:4]
        warnings.filterwarnings(action, message, _class(category), module)
    warnings.simplefilter("always", QcompressWarning)
    warnings.simplefilter("ignore", ResourceWarning)  # raised where it can only be printed


def _class(name: str) -> type[Warning]:
    """A warning by name: a built-in one, or with its module."""
    if not name:
        return Warning
    module, _, own = name.rpartition(".")
    found: type[Warning] = getattr(importlib.import_module(module or "builtins"), own)
    return found
