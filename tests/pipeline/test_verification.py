"""Files of input values that are none: one line."""

import pytest

from qcompress.errors import QcompressError
from qcompress.pipeline.verification import input_values


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00\x10\x00{'descr': 'x'   \n", b"text"])
def test_damaged_files_are_one_line(content, tmp_path):
    path = tmp_path / "values.npy"
    path.write_bytes(content)
    with pytest.raises(QcompressError, match=r"values\.npy: no readable \.npy array") as fault:
        input_values(path)
    assert "\n" not in str(fault.value)
