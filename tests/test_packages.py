"""The check of wheel and sdist finds what it is there for; .ci/pythons runs it on real ones."""

import importlib.util
import tarfile
import zipfile

import pytest
from helpers.paths import ROOT

TRACKED = ["qcompress/py.typed", "qcompress/targets/cpp/runtime.h", "qcompress/synthesis/generic_cells.lib"]


@pytest.fixture(scope="module")
def packages():
    spec = importlib.util.spec_from_file_location("packages", ROOT / ".ci" / "packages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("absent", [None, *TRACKED])
def test_a_package_that_lacks_a_file_is_found(packages, tmp_path, absent):
    held = [name for name in TRACKED if name != absent]
    with zipfile.ZipFile(tmp_path / "a-1.whl", "w") as wheel:
        for name in held:
            wheel.writestr(name, "")
    with tarfile.open(tmp_path / "a-1.tar.gz", "w:gz") as sdist:
        for name in held:
            sdist.addfile(tarfile.TarInfo(f"a-1/{name}"))
    for package in ("a-1.whl", "a-1.tar.gz"):
        assert packages.lacking(tmp_path / package, TRACKED) == ([] if absent is None else [absent])


def test_a_command_that_fails_ends_the_check(packages, tmp_path):
    with pytest.raises(packages.PackageError, match="exit 3: why"):
        packages.run(["sh", "-c", "echo why >&2; exit 3"], tmp_path)
    with pytest.raises(packages.PackageError, match=r"exit 0, '' where .* is due"):
        packages.check_refusals(["true"], tmp_path, tmp_path)
