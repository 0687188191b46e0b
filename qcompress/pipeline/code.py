"""Which sources decide what a step finds: a change of them makes the step run again, a change of others does not.

The sources of a step are those that its function, and the methods of the detector that it calls, import, wherever in
them, and all that those import in turn. Comments and layout do not count. Rooms that only carry results from one step
to the next (candidate, config, progress, ...) are not followed.
"""

import ast
import hashlib
import importlib.util
import inspect
import textwrap
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "qcompress"
CARRIERS = {
    *("errors", "files", "yaml_files", "progress", "config", "candidate", "pipeline", "report", "cli", "detectors"),
}
"""Modules `qcompress.NAME` that carry results and compute none; detectors are followed from their own folders on."""
Piece = Any
"""A function or a class."""
PARSING = threading.Lock()
"""Held while sources are parsed: CPython 3.11 does not build syntax trees in two threads at once."""


def code_hash(seeds: Iterable[Piece | str], text: Iterable[str] = ()) -> str:
    """SHA-256 over the sources that decide a step.

    seeds: functions, followed from what they use, and names of modules or packages, followed whole; text: names of
    packages whose text counts as it is, comments included.
    """
    with PARSING:
        return _hash(list(seeds), text)


def _hash(given: list[Piece | str], text: Iterable[str]) -> str:
    pieces = _pieces(seed for seed in given if not isinstance(seed, str))
    parts = [
        f"{name} {_sha(ast.dump(_body(piece)).encode())} {_constants(piece)}" for name, piece in sorted(pieces.items())
    ]
    parts += [f"{name} {_meaning(name)}" for name in sorted(_closure(given, pieces.values()))]
    parts += [f"{path.name} {_sha(path.read_bytes())}" for name in text for path in _files_of(name)]
    return _sha("\n".join(parts).encode())


def sources(seeds: Iterable[Piece | str]) -> list[str]:
    """Names of the modules that `code_hash` looks at for these seeds, pieces of code or names of modules, sorted."""
    given = list(seeds)
    with PARSING:
        return sorted(_closure(given, _pieces(seed for seed in given if not isinstance(seed, str)).values()))


def _closure(seeds: list[Piece | str], pieces: Iterable[Piece]) -> set[str]:
    """Modules that the seeds import, and all that those import."""
    own = {PACKAGE} | {(seed if isinstance(seed, str) else str(seed.__module__)).split(".")[0] for seed in seeds}
    waiting = [name for seed in seeds if isinstance(seed, str) for name in _modules_of(seed)]
    waiting += [name for piece in pieces for name in _used(piece)]
    known: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in known or name.split(".")[0] not in own or _carries(name) or _file(name) is None:
            continue
        known.add(name)
        waiting += _imports_of(name)
    return known


def _pieces(seeds: Iterable[Piece]) -> dict[str, Piece]:
    """The seeds, and the functions and classes of their modules and of the pipeline that they use, by full name."""
    waiting, found = list(seeds), dict[str, Piece]()
    while waiting:
        piece = waiting.pop()
        name = f"{piece.__module__}.{piece.__qualname__}"
        if name not in found:
            found[name] = piece
            waiting += [each for each in _near(piece) if _is_followed(each, piece)]
            waiting += _members(piece)
    return found


def _near(piece: Piece) -> list[Piece]:
    """What the names in a function or class stand for."""
    module = inspect.getmodule(piece)
    return [getattr(module, name, None) for name in sorted(_names_in(_body(piece)))]


def _members(piece: Piece) -> list[Piece]:
    """Methods of its own class, and of those of the same package that this one is derived from, that a method calls."""
    module, package = inspect.getmodule(piece), str(piece.__module__).split(".")[0]
    owner = getattr(module, piece.__qualname__.split(".")[0], None) if "." in piece.__qualname__ else None
    kinds = owner.__mro__ if inspect.isclass(owner) else ()
    own = {node.attr for node in ast.walk(_body(piece)) if isinstance(node, ast.Attribute) and _is_self(node.value)}
    members = [vars(kind)[name] for kind in kinds for name in sorted(own) if name in vars(kind)]
    plain = [member.fget if isinstance(member, property) else member for member in members]
    return [each for each in plain if inspect.isfunction(each) and each.__module__.split(".")[0] == package]


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def _is_followed(each: Piece, piece: Piece) -> bool:
    """Whether a function or class that a piece uses is looked into by itself; others come as imports."""
    if not (inspect.isfunction(each) or inspect.isclass(each)):
        return False
    return each.__module__ == piece.__module__ or str(each.__module__).startswith(f"{PACKAGE}.pipeline.")


def _used(piece: Piece) -> list[str]:
    """Modules that a function or class imports, or uses of those that its module imports."""
    module, names = str(piece.__module__), _names_in(_body(piece))
    outer = [node for node in _tree(module).body if isinstance(node, ast.Import | ast.ImportFrom)]
    used = [node for node in outer if names & {(alias.asname or alias.name).split(".")[0] for alias in node.names}]
    return [*_imported(_body(piece), module), *(name for node in used for name in _names(node, module))]


def _constants(piece: Piece) -> str:
    """What the module of a piece assigns to names that stand in it."""
    names, found = _names_in(_body(piece)), []
    for node in _tree(str(piece.__module__)).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if names & {target.id for target in targets if isinstance(target, ast.Name)}:
            found.append(ast.dump(node))
    return _sha("\n".join(found).encode())


@cache
def _body(piece: Piece) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(piece)))


def _names_in(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _modules_of(name: str) -> list[str]:
    """A module, or a package with the modules in it."""
    path = _file(name)
    inside = [] if path is None or path.name != "__init__.py" else [p.stem for p in path.parent.glob("*.py")]
    return [name, *(f"{name}.{stem}" for stem in inside if stem != "__init__")]


def _imported(tree: ast.AST, module: str) -> list[str]:
    """Modules that a piece of code of a module imports, anywhere in it."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return [name for node in nodes for name in _names(node, module)]


@cache
def _imports_of(name: str) -> tuple[str, ...]:
    """What a module imports; steps share most of their modules."""
    return tuple(_imported(_tree(name), name))


def _names(node: ast.Import | ast.ImportFrom, module: str) -> Iterator[str]:
    """Modules of one statement: a submodule alone where that is what is taken, else the package itself."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        path = _file(module)
        package = module if path is not None and path.name == "__init__.py" else module.rpartition(".")[0]
        base = importlib.util.resolve_name("." * node.level + base, package)
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        yield inner if _file(inner) is not None else base


def _carries(name: str) -> bool:
    parts = name.split(".")
    if parts[0] != PACKAGE or len(parts) == 1:
        return name == PACKAGE
    return parts[1] in CARRIERS and not (parts[1] == "detectors" and len(parts) > 2)


@cache
def _file(name: str) -> Path | None:
    """The Python source of a module, None if there is none of that name; nothing is imported to find it."""
    top, *inner = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    place = (spec.origin if spec is not None else None) or ""
    origin = Path(place) if place.endswith(".py") else None
    for part in inner:
        if origin is None or origin.name != "__init__.py":
            return None
        places = (origin.parent / f"{part}.py", origin.parent / part / "__init__.py")
        origin = next((place for place in places if place.is_file()), None)
    return origin


@cache
def _tree(name: str) -> ast.Module:
    path = _file(name)
    return ast.parse(path.read_text()) if path is not None else ast.Module([], [])


@cache
def _meaning(name: str) -> str:
    """A hash of what a module says, and of the files beside it that it names."""
    path = _file(name)
    if path is None:
        return ""
    text = path.read_text()
    beside = [
        p for p in sorted(path.parent.iterdir()) if p.suffix not in {".py", ""} and p.is_file() and p.name in text
    ]
    return _sha("\n".join([ast.dump(_tree(name)), *(_sha(p.read_bytes()) for p in beside)]).encode())


def _files_of(name: str) -> list[Path]:
    """All files of a package."""
    path = _file(name)
    return [] if path is None else sorted(p for p in path.parent.iterdir() if p.is_file())


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
