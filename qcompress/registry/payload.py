"""What of a candidate goes into a registry, and comes out of it again."""

import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection, select

from qcompress.candidate import MANIFEST, Candidate
from qcompress.candidate.figures import GRAPHS, VERIFICATION, GraphFigures
from qcompress.errors import QcompressError
from qcompress.files import JsonObject, file_hash
from qcompress.registry.tables import BLOBS, CHUNKS, PAYLOADS
from qcompress.targets.cpp.compiled import MACHINE, libraries_of

CHUNK = 4 << 20
"""Bytes of a piece before it is compressed."""
Files = list[tuple[str, str]]
"""Paths in the candidate's folder and SHA-256 of their contents, sorted."""


def files_of(candidate: Candidate) -> Files:
    """The manifest, all files that its steps recorded, and what was compiled.

    Raises QcompressError for a candidate that is not verified as it is now, in which a code differs, or whose files
    have changed.
    """
    for step in candidate.steps:
        candidate.check_intact(step)
    _check_verified(candidate)
    names = {name for entry in candidate.steps.values() for name in entry["files"]} | {MANIFEST}
    tops = {Path(name).parts[0] for name in names if "/" in name}
    records = [place for top in tops for place in sorted((candidate.folder / top).rglob(MACHINE)) if _is_plain(place)]
    for record in records:
        if libraries := [library for library in libraries_of(record) if _is_plain(library)]:
            names |= {str(path.relative_to(candidate.folder)) for path in (record, *libraries)}
    _check_names(sorted(names), str(candidate.folder))
    return sorted((name, file_hash(candidate.folder / name)) for name in names)


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _check_verified(candidate: Candidate) -> None:
    """Raises QcompressError unless every graph, as it is now, has a target's body that gave all its codes."""
    folder, again = candidate.folder, "verify it again with qcompress run, or compile the model again"
    if not {VERIFICATION.step, GRAPHS.step} <= candidate.steps.keys():
        raise QcompressError(f"{folder}: is not verified; finish it with qcompress run")
    if not candidate.follows(VERIFICATION.step, GRAPHS.step):
        raise QcompressError(f"{folder}: was compiled again after it was verified; {again}")
    verification, compiled = candidate.figures_of(VERIFICATION), candidate.figures_of(GRAPHS)
    for name, graph in candidate.graphs().items():
        figures = compiled.get(name, GraphFigures(graph=""))
        if figures.graph not in {None, graph.content_hash()}:
            raise QcompressError(f"{folder}: graph {name} is not the one that was compiled; {again}")
        if wrong := [each for each in verification.get(name, ()) if each.mismatches]:
            raise QcompressError(f"{folder}: {wrong[0].body} differs from the graph; only exact bodies are kept")
        bodies = {each.body for each in verification.get(name, ()) if each.codes}
        if len(bodies) <= (figures.keras_is_body is not False):  # the model's own comparison is none of a target's
            raise QcompressError(f"{folder}: no target of graph {name} was compared with it; {again}")


def provenance(candidate: Candidate) -> JsonObject:
    """What a registry tells of a candidate without opening it."""
    manifest = candidate.manifest
    kept = {key: manifest[key] for key in ("name", "detector", "seed", "versions", "config")}
    return {**kept, "graphs": {name: graph.content_hash() for name, graph in candidate.graphs().items()}}


def payload_hash(files: Files) -> str:
    """SHA-256 over paths and contents."""
    return hashlib.sha256(_text(files).encode()).hexdigest()


def _text(files: Files) -> str:
    return json.dumps([list(pair) for pair in files])


def keep(connection: Connection, folder: Path, files: Files) -> str:
    """Write the files of a candidate's folder to the database, those it does not have; gives the payload's hash.

    Raises QcompressError where what it has is damaged.
    """
    payload = payload_hash(files)
    for digest, name in {digest: name for name, digest in files}.items():
        if connection.execute(select(BLOBS.c.hash).where(BLOBS.c.hash == digest)).first() is None:
            _keep_content(connection, folder / name, digest)
        else:  # what is there already may be damaged
            for _ in content(connection, name, digest):
                pass
    if connection.execute(select(PAYLOADS.c.hash).where(PAYLOADS.c.hash == payload)).first() is None:
        connection.execute(PAYLOADS.insert(), {"hash": payload, "files": _text(files)})
    listed(connection, payload)
    return payload


def _keep_content(connection: Connection, path: Path, digest: str) -> None:
    """Write a file piece by piece; raises QcompressError if its hash is not the one that it had."""
    connection.execute(BLOBS.insert(), {"hash": digest, "size": path.stat().st_size})
    found, number = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while data := stream.read(CHUNK):
            found.update(data)
            connection.execute(CHUNKS.insert(), {"hash": digest, "number": number, "data": zlib.compress(data)})
            number += 1
    if found.hexdigest() != digest:
        raise QcompressError(f"{path}: has changed while it was read; try again")


def listed(connection: Connection, payload: str) -> Files:
    """Files of a payload; raises QcompressError if it is not there or its list was changed."""
    text = connection.execute(select(PAYLOADS.c.files).where(PAYLOADS.c.hash == payload)).scalar()
    if text is None:
        raise QcompressError(f"registry: payload {payload[:12]} is missing")
    if hashlib.sha256(text.encode()).hexdigest() != payload:
        raise QcompressError(f"registry: the files of payload {payload[:12]} are not those that were added")
    try:
        files = [(str(name), str(digest)) for name, digest in json.loads(text)]
    except (ValueError, TypeError):
        raise QcompressError(f"registry: payload {payload[:12]} has no list of files") from None
    _check_names([name for name, _ in files], f"registry: payload {payload[:12]}")
    return files


def _check_names(names: Sequence[str], where: str) -> None:
    """Raises QcompressError, saying where, if files of these names do not lie side by side in one folder."""
    files = set(names)
    for name in names:
        if not {"", ".", ".."}.isdisjoint(name.split("/")) or "\0" in name:
            raise QcompressError(f"{where}: has a file {name!r}, which is none in its folder")
        if inside := files & {str(folder) for folder in PurePosixPath(name).parents}:
            raise QcompressError(f"{where}: has a file {inside.pop()!r} that is a folder, too")
    if len(files) < len(names):
        raise QcompressError(f"{where}: has a file twice")


def content(connection: Connection, name: str, digest: str) -> Iterator[bytes]:
    """A file's content piece by piece; raises QcompressError at its end if its hash is another one."""
    found = hashlib.sha256()
    pieces = select(CHUNKS.c.data).where(CHUNKS.c.hash == digest).order_by(CHUNKS.c.number)
    for (data,) in connection.execute(pieces):
        try:
            piece = zlib.decompress(data)
        except (zlib.error, TypeError):  # TypeError: SQLite keeps numbers and texts there, too
            break
        found.update(piece)
        yield piece
    if found.hexdigest() != digest:
        raise QcompressError(f"registry: content of {name} differs from its hash {digest[:12]}: it is damaged")


def restore(connection: Connection, payload: str, folder: Path) -> None:
    """Write a payload's files into `folder`, which must not be there, whole or not at all.

    Raises QcompressError where a hash differs, and where the folder is there or cannot be written.
    """
    files = listed(connection, payload)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
            stage = Path(scratch, "payload")
            stage.mkdir()
            for name, digest in files:
                place = stage / name
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as stream:
                    for piece in content(connection, name, digest):
                        stream.write(piece)
            if os.path.lexists(folder):
                raise QcompressError(f"{folder}: is there already; give another folder")
            stage.rename(folder)
    except OSError as fault:
        raise QcompressError(f"{folder}: cannot be written ({fault.strerror or fault})") from None


def is_whole(folder: Path, files: Iterable[tuple[str, str]]) -> bool:
    """Whether a folder holds the files of a payload.

    A record of libraries may be another one, of what this machine made besides, if a library is what it says.
    """
    return all(
        (folder / name).is_file()
        and (file_hash(folder / name) == digest or (Path(name).name == MACHINE and libraries_of(folder / name) != []))
        for name, digest in files
    )
