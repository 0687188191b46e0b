"""HDF5 files of samples: what detectors share."""

from pathlib import Path


def hdf5_format(path: Path) -> str | None:
    """What an HDF5 file says of its format in the attribute of that name; None if it says nothing or is none."""
    import h5py

    if not path.is_file() or not h5py.is_hdf5(path):
        return None
    with h5py.File(path) as file:
        told = file.attrs.get("format")
    return told if isinstance(told, str) else None
