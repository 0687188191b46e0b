"""The lock of a folder: one that went with its folder, and a folder that another process has taken."""

import fcntl
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.volumes import locking
from qcompress.volumes.locking import locked, removed


@pytest.mark.parametrize("gone", [".lock", "the folder"])
def test_a_lock_that_is_removed_while_it_is_taken_is_taken_anew(tmp_path, monkeypatch, gone):
    """Another call finishes between the opening of the lock and the locking of it."""
    folder, own, calls = tmp_path / "out.h5.parts", fcntl.flock, []

    def flock(file, how):
        if not calls:
            (folder / ".lock").unlink()
            if gone != ".lock":
                folder.rmdir()
        calls.append(how)
        own(file, how)

    monkeypatch.setattr(locking.fcntl, "flock", flock)
    with locked(folder, tmp_path / "out.h5"):
        with pytest.raises(QcompressError, match=r"out\.h5: another qcompress writes it; wait for that one"):
            locked(folder, tmp_path / "out.h5")
        removed(folder)
    assert len(calls) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_folder_whose_lock_is_always_gone_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(locking.fcntl, "flock", lambda file, how: (tmp_path / "parts" / ".lock").unlink())
    with pytest.raises(QcompressError, match=r"out\.h5: another qcompress writes it"):
        locked(tmp_path / "parts", tmp_path / "out.h5")


def test_a_folder_that_another_call_has_taken_stays(tmp_path, monkeypatch):
    """It takes the folder when the lock of the one that finishes is gone."""
    folder, own = tmp_path / "parts", Path.rmdir

    def rmdir(path):
        (folder / ".lock").touch()
        own(path)

    monkeypatch.setattr(Path, "rmdir", rmdir)
    with locked(folder, tmp_path / "out.h5"):
        (folder / "a.part").touch()
        removed(folder)
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_where_no_folder_can_be_made_is_said(tmp_path):
    (tmp_path / "parts").write_text("mine")
    with pytest.raises(QcompressError, match=r"parts: cannot be made \(File exists\); choose another output"):
        locked(tmp_path / "parts", tmp_path / "out.h5")
