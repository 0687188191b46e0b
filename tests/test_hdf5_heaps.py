"""A damaged heap of an HDF5 file is said in one line; the library would turn in a circle on it."""

import h5py
import numpy as np
import pytest

from qcompress.detectors.hdf5 import SampleFile, hdf5_format
from qcompress.errors import QcompressError
from qcompress.frontends.files import architecture
from qcompress.frontends.keras2_weights import is_by_class
from qcompress.hdf5_heaps import HEAD, MARK, SMALLEST, check_heaps

TEXTS = ["a", "of eight", "x" * 1000, "of no length at all"]
LARGE = 9000
"""Characters of a text that needs a heap of its own."""


def written(path):
    """A file of attributes of no fixed length, one of them removed again; the heaps in it."""
    with h5py.File(path, "w") as file:
        for place, text in enumerate(TEXTS):
            file.attrs[f"text{place}"] = text
        file.attrs["model_config"] = "{}"
        file.attrs["format"] = "a sample"
        del file.attrs["text1"]
        file["x"] = np.arange(1000)
        file.create_dataset("large", data="y" * LARGE, dtype=h5py.string_dtype())
    data = path.read_bytes()
    places = [place for place in range(0, len(data), 8) if data[place : place + 4] == MARK]
    assert len(places) >= 2
    return bytearray(data), places


def test_heaps_that_the_library_wrote_are_whole(tmp_path):
    written(tmp_path / "a.h5")
    check_heaps(tmp_path / "a.h5")
    check_heaps(tmp_path / "a.h5", 100)
    assert architecture(tmp_path / "a.h5") == {}
    assert hdf5_format(tmp_path / "a.h5") == "a sample"


@pytest.mark.parametrize(
    ("index", "size"),
    [(0, 0), (0, 8), (1, 2**64 - HEAD), (1, SMALLEST * 4), (0, 2**63)],
    ids=["zeros", "less than its head", "round again", "beyond the end", "free beyond the end"],
)
def test_an_object_that_leads_nowhere_is_refused_before_the_library_reads_it(index, size, tmp_path):
    data, places = written(tmp_path / "a.h5")
    path = tmp_path / "b.h5"
    for heap in places:
        damaged = data.copy()
        first = heap + HEAD
        damaged[first : first + 2] = index.to_bytes(2, "little")
        damaged[first + 8 : first + 16] = size.to_bytes(8, "little")
        path.write_bytes(damaged)
        said = rf"b\.h5: damaged: the heap at byte {heap} is none; give a good copy$"
        readers = (
            check_heaps, architecture, is_by_class, hdf5_format, lambda file: SampleFile(file, "a sample", 1, "x"),
        )  # fmt: skip
        for reader in readers:
            with pytest.raises(QcompressError, match=said):
                reader(path)


def test_what_is_no_heap_and_no_file_is_left_to_who_reads_it(tmp_path):
    for number, content in enumerate((b"", b"GCOL", b"GCOL\1\0\0\0" + bytes(8), b"GCOL\2\0\0\0" + b"\xff" * 8)):
        (tmp_path / f"{number}").write_bytes(content)
        check_heaps(tmp_path / f"{number}")
    check_heaps(tmp_path / "none")
    check_heaps(tmp_path)
