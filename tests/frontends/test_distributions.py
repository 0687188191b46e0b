"""QKeras from its own distribution, beside another that has put files into its folder; small ones stand for both."""

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.paths import ROOT

OWN = {
    "qkeras/__init__.py": "from .quantizers import *\nfrom .qlayers import Layer\nWHOLE = True\n",
    "qkeras/quantizers.py": "class bits:\n    owner = 'qkeras-v3'\n",
    "qkeras/qlayers.py": "from .quantizers import bits\nclass Layer:\n    quantizer = bits\n",
    "qkeras/needy.py": "import nobody_has_this\n",
    "qkeras/tools/__init__.py": "from qkeras.quantizers import bits\n",
}
OTHER = {
    "hgq/__init__.py": "",
    "qkeras/__init__.py": "from .quantizers import *\n",
    "qkeras/quantizers/__init__.py": "class bits:\n    owner = 'hgq2'\n",
    "qkeras/qlayers/__init__.py": "",
    "qkeras/initializers/__init__.py": "",
}
PLAIN = """
try:
    import qkeras
    print(qkeras.bits.owner)
except ImportError:
    print("broken")
"""
SEEN = """
from qcompress.frontends.distributions import find_qkeras
find_qkeras()
import qkeras, qkeras.tools
from qkeras import quantizers
from qkeras.qlayers import Layer
print(qkeras.bits.owner, qkeras.Layer is Layer, Layer.quantizer is quantizers.bits, qkeras.tools.bits.owner)
for name in ("qkeras.initializers", "qkeras.absent"):
    try:
        __import__(name)
    except ModuleNotFoundError as fault:
        print(fault.name)
try:
    qkeras.nothing
except AttributeError as fault:
    print(fault)
"""


def installed(site: Path, name: str, version: str, files: dict[str, str]) -> None:
    """Write files to site, as an installer does, with a RECORD of them."""
    lines = []
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text)}")
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/METADATA,,", f"{info.name}/RECORD,,"]))


def said(site: Path, code: str) -> list[str]:
    """What a program prints in an environment that begins with site."""
    places = os.pathsep.join([str(site), str(ROOT)])
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("last", ["qkeras-v3", "hgq2"])
def test_qkeras_is_its_own_whichever_was_installed_last(tmp_path: Path, last: str) -> None:
    order = [("qkeras-v3", "9.9", OWN), ("hgq2", "0.2.0", OTHER)]
    for name, version, files in order if last == "hgq2" else order[::-1]:
        installed(tmp_path, name, version, files)
    assert said(tmp_path, PLAIN) == ["hgq2" if last == "hgq2" else "broken"], "what is gone around"
    found = said(tmp_path, SEEN)
    assert found[0] == "qkeras-v3 True True qkeras-v3"
    assert found[1:3] == ["qkeras.initializers", "qkeras.absent"]
    assert "no attribute 'nothing'" in found[3]
    assert said(tmp_path, SEEN + "print(getattr(qkeras, 'WHOLE', None))")[-1] == str(last == "qkeras-v3" or None)


def test_what_was_imported_before_is_let_go(tmp_path: Path) -> None:
    installed(tmp_path, "qkeras-v3", "9.9", OWN)
    installed(tmp_path, "hgq2", "0.2.0", OTHER)
    assert said(tmp_path, f"import qkeras\n{SEEN}")[0] == "qkeras-v3 True True qkeras-v3"


def test_without_qkeras_v3_the_other_one_is_not_taken_for_it(tmp_path: Path) -> None:
    installed(tmp_path, "hgq2", "0.2.0", OTHER)
    code = """
import importlib.metadata, sys
from qcompress.errors import extra_missing
from qcompress.frontends import distributions
distributions.OWNER = "no-such-qkeras"
distributions.find_qkeras()
try:
    import qkeras
except ModuleNotFoundError as fault:
    print(extra_missing(fault))
"""
    assert said(tmp_path, code) == ["needs qkeras; install qcompress[train]"]


def test_nothing_is_changed_where_hgq2_is_not_installed(tmp_path: Path) -> None:
    code = """
import sys
from qcompress.frontends import distributions
distributions.INTRUDER = "no-such-distribution"
before = list(sys.meta_path)
distributions.find_qkeras()
print(sys.meta_path == before)
"""
    assert said(tmp_path, code) == ["True"]
