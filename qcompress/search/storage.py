"""The database of a search: optuna's, at any URL of SQLAlchemy, opened or refused in one line."""

from collections.abc import Sequence
from typing import Any, Literal

import optuna

from qcompress.errors import QcompressError

Way = Literal["minimize", "maximize"]


def opened(url: str, name: str, directions: Sequence[Way]) -> tuple[optuna.Study, optuna.storages.BaseStorage]:
    """The study of that `name` in the database at `url`, made if it is not there, and what keeps it.

    directions: minimize or maximize, of each objective. Raises QcompressError for a database that cannot be opened, and
    for a study with other objectives.
    """
    import sqlalchemy.exc

    try:
        storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": _patience(url)})
        study = optuna.create_study(storage=storage, study_name=name, directions=list(directions), load_if_exists=True)
        told = [direction.name.lower() for direction in study.directions]
    except (
        sqlalchemy.exc.SQLAlchemyError,
        optuna.exceptions.OptunaError,
        ImportError,
        ValueError,
        RuntimeError,
    ) as fault:
        cause = getattr(fault.__cause__, "orig", None) or getattr(fault, "orig", None) or fault
        said = (str(cause).splitlines() or [type(fault).__name__])[0]
        raise QcompressError(f"{shown(url)}: no database for a study ({said}); see --storage") from None
    if told != list(directions):
        raise QcompressError(f"{shown(url)}: holds a study with other objectives; choose another folder or database")
    return study, storage


def _patience(url: str) -> dict[str, Any]:
    """Seconds that SQLite waits for another writer."""
    return {"timeout": 60} if url.startswith("sqlite") else {}


def shown(url: str) -> str:
    """A database's URL without a password."""
    scheme, colon, rest = url.partition("://")
    _, at, place = rest.rpartition("@")
    return f"{scheme}://...@{place}" if at else f"{scheme}{colon}{rest}"
