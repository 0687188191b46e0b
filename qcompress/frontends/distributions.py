"""QKeras as its own distribution installed it, whatever else has put files into its folder.

The distribution hgq2 brings a package `qkeras` of its own. In one environment with qkeras-v3 its folders `quantizers`
and `qlayers` hide the modules of the same names, and whichever was installed last has written `__init__.py`. The finder
here loads `qkeras` and its modules from the files that qkeras-v3 lists, by their recorded hashes, and nothing else.
"""

import base64
import hashlib
import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE, OWNER, INTRUDER = "qkeras", "qkeras-v3", "hgq2"
Files = dict[str, tuple[Path, str | None]]
"""Module -> its file, and the hash of the file in RECORD (base64 of SHA-256 without padding)."""


@cache
def find_qkeras() -> "QkerasFinder | None":
    """From now on `import qkeras` is qkeras-v3's, if hgq2 has files of the same names; gives what finds it then."""
    if not _modules(INTRUDER):
        return None
    finder = QkerasFinder(_modules(OWNER))
    sys.meta_path.insert(0, finder)
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]  # it may be the other one
    return finder


def _modules(distribution: str) -> Files:
    """The modules of package qkeras that a distribution lists; none if it is not installed."""
    try:
        listed = importlib.metadata.distribution(distribution).files or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found: Files = {}
    for file in listed:
        if file.parts[:1] == (PACKAGE,) and file.suffix == ".py":
            parts = file.with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = (Path(str(file.locate())), file.hash.value if file.hash else None)
    return found


class QkerasFinder(MetaPathFinder):
    """Finds `qkeras` and its modules among files."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module of that name; None for those of other packages. Raises ModuleNotFoundError for any other."""
        if fullname.split(".", maxsplit=1)[0] != PACKAGE:
            return None
        if fullname not in self.files:
            inside = any(name.startswith(f"{fullname}.") for name in self.files)
            if not inside:
                raise ModuleNotFoundError(
                    f"No module named {fullname!r} in {OWNER}", name=fullname if self.files else PACKAGE
                )
            return self._package(fullname, None, None)
        file, recorded = self.files[fullname]
        if file.name != "__init__.py":
            spec = importlib.util.spec_from_file_location(fullname, file)
        elif recorded is None or _hash(file) == recorded:
            spec = importlib.util.spec_from_file_location(fullname, file, submodule_search_locations=[str(file.parent)])
        else:
            return self._package(fullname, file.parent, _Rebuilt(self.files))
        return spec

    def _package(self, name: str, folder: Path | None, loader: Loader | None) -> ModuleSpec:
        spec = ModuleSpec(name, loader, is_package=True)
        spec.submodule_search_locations = [str(folder)] if folder else []
        return spec


class _Rebuilt(Loader):
    """A package whose own file is lost: what it would export is looked up in its modules, when it is asked for."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def exec_module(self, module: ModuleType) -> None:
        """Give the package the names of its modules."""
        package = module.__name__
        inside = [name for name in self.files if name.rpartition(".")[0] == package]

        def found(name: str) -> Any:
            if f"{package}.{name}" in inside:
                return importlib.import_module(f"{package}.{name}")
            for part in inside:
                if name in vars(_imported(part)):
                    return vars(_imported(part))[name]
            raise AttributeError(f"module {package!r} has no attribute {name!r}")

        module.__dict__.update(__getattr__=found, __version__=importlib.metadata.version(OWNER))


def _imported(name: str) -> ModuleType:
    """A module, an empty one where a library that it needs is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return ModuleType(name)


def _hash(file: Path) -> str | None:
    try:
        digest = hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return None
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
