"""Options that detectors add to commands, and whose sample a file is: from outside, good and bad input."""

import sys
import types

import h5py
import numpy as np
import pytest
import typer
from helpers.paths import ROOT

from qcompress import cli, detectors
from qcompress.detectors import Options, command_options, owner_of, reader_of, registry
from qcompress.errors import QcompressError


class First(Options):
    gain: int | None = None


class Second(Options):
    gain: float | None = None
    side: str | None = None


def plugs(monkeypatch, **classes):
    """Install these detectors and no others."""
    entries = []
    for name, options in classes.items():
        plug = type(
            name.title(),
            (detectors.Detector,),
            {"name": name, "command_options": {"emulate": options}, "kinds": (), "owns": lambda self, path: True},
        )
        plug.__abstractmethods__ = frozenset()
        entries.append(
            types.SimpleNamespace(name=name, value=name, load=lambda p=plug: types.SimpleNamespace(DETECTOR=p()))
        )
    monkeypatch.setattr(registry, "_entries", lambda: iter(entries))


def given(*arguments):
    """Values of the detectors' options that reach the command emulate."""
    command = typer.main.get_command(cli.app).commands["emulate"]
    seen = {}
    command.callback = lambda context=None, **own: seen.update(own)
    with command.make_context("emulate", list(arguments)) as context:
        command.invoke(context)
    return context, seen


def test_an_option_of_two_detectors_is_one_and_each_checks_its_own(monkeypatch):
    plugs(monkeypatch, first=First, second=Second)
    context, seen = given("c", "i", "o", "--gain", "2.5", "--side", "left")
    assert {"candidate", "source", "target"} <= seen.keys()
    assert not {"gain", "side"} & seen.keys()
    second, first = (detectors.load_detector(name) for name in ("second", "first"))
    assert command_options.given_options(context, second) == {"gain": 2.5, "side": "left"}
    with pytest.raises(QcompressError, match="emulate: --side is an option of second, not of first"):
        command_options.given_options(context, first)
    with pytest.raises(QcompressError, match=r"emulate: --gain 2.5: Input should be a valid integer"):
        command_options.given_options(given("c", "i", "o", "--gain", "2.5")[0], first)
    assert command_options.given_options(given("c", "i", "o")[0], first) == {}


def test_a_file_that_two_detectors_know_or_none_is_refused(monkeypatch, tmp_path):
    (tmp_path / "a.h5").write_bytes(b"")
    with pytest.raises(
        QcompressError, match=r"damaged sample file, or of no installed detector .*; say with --detector"
    ):
        owner_of(tmp_path / "a.h5")
    with pytest.raises(QcompressError, match=r"b.xyz: no installed detector reads files ending in .xyz"):
        reader_of(tmp_path / "b.xyz")
    plugs(monkeypatch, first=First, second=Second)
    with pytest.raises(QcompressError, match=r"a sample of several detectors \(first, second\)"):
        owner_of(tmp_path / "a.h5")
    monkeypatch.setattr(detectors.Detector, "imports", (".csv",))
    with pytest.raises(QcompressError, match="may be a file of first, second; say with --detector"):
        reader_of(tmp_path / "b.csv")


@pytest.mark.parametrize(("name", "format_"), [("hgcal", "hgcal"), ("tpc", "tpc")])
def test_samples_are_known_by_their_header(name, format_, tmp_path):
    from qcompress.detectors.hgcal.samples import layout
    from qcompress.detectors.tpc import samples

    told = {"hgcal": layout.FORMAT, "tpc": samples.FORMAT}[format_]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["format"], file["x"] = told, np.zeros(3)
    assert owner_of(tmp_path / "a.h5").name == name
    assert reader_of(tmp_path / "a.csv").name == "hgcal"


def test_help_and_emulate_stay_light(qcompress):
    code = (
        "import sys; sys.argv = ['q', 'emulate', '--help']; from qcompress import cli; cli.app(standalone_mode=False)"
    )
    heavy = "print(sorted({'tensorflow', 'keras', 'matplotlib', 'numba'} & set(sys.modules)))"
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {heavy}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--tc-order" in done.stdout
