"""Parts of an output: one writer at a time, read as they lie, found whole or not at all."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.volumes import parts
from qcompress.volumes.columns import Column
from qcompress.volumes.parts import Joined, folder_of

COLUMNS = (Column("a", "", np.dtype("i2"), (3,)), Column("b", "", np.dtype("f8"), ()))
ROWS = 40


def rows_of(first, stop):
    numbers = np.arange(first, stop)
    return {"a": np.stack([numbers] * 3, axis=1).astype("i2"), "b": numbers / 8}


def write(folder, span):
    with folder.written(span) as writer:
        for first in range(span[0], span[1], 7):
            writer.append(rows_of(first, min(first + 7, span[1])))
    return span


def test_parts_are_one_table_whatever_their_order(tmp_path):
    with parts.opened(tmp_path / "out.h5", {"schema": 1}, COLUMNS, False) as folder:
        done = [write(folder, (20, 40))]
        table = Joined(folder, ROWS, 10, done, iter([write(folder, (10, 20)), write(folder, (0, 10))]))
        for first in (0, 30, 10, 20):
            for name, array in rows_of(first, first + 10).items():
                assert (table.read(name, first, first + 10) == array).all()
        assert folder.done() == [(0, 10), (10, 20), (20, 40)]
    assert not folder_of(tmp_path / "out.h5").exists()


@pytest.mark.parametrize("damage", ["shorter", "longer", "a number", "another plan", "no record", "no part"])
def test_a_part_that_is_not_whole_is_removed(tmp_path, damage):
    with parts.opened(tmp_path / "out.h5", {"schema": 1}, COLUMNS, False) as folder:
        path = folder.path(write(folder, (0, 20)))
        write(folder, (20, 40))
        record, data = path.with_suffix(".json"), path.read_bytes()
        if damage == "another plan":
            record.write_text(record.read_text().replace(folder.plan, "0" * 64))
        elif damage in {"no record", "no part"}:
            (record if damage == "no record" else path).unlink()
        else:
            changed = {"shorter": data[:-1], "longer": data + b"0", "a number": bytes([data[0] ^ 1]) + data[1:]}
            path.write_bytes(changed[damage])
        assert folder.done() == [(20, 40)]
        assert not path.exists()
        assert not record.exists()


def test_one_process_at_a_time_writes_an_output(tmp_path):
    with (
        parts.opened(tmp_path / "out.h5", {"schema": 1}, COLUMNS, False),
        pytest.raises(QcompressError, match=r"out\.h5: another qcompress writes it"),
        parts.opened(tmp_path / "out.h5", {"schema": 1}, COLUMNS, False),
    ):
        pass


def test_parts_of_a_link_lie_beside_what_it_leads_to(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "out.h5").symlink_to(tmp_path / "there" / "real.h5")
    assert folder_of(tmp_path / "out.h5") == tmp_path / "there" / "real.h5.parts"
