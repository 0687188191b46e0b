"""What the documentation shows runs as written."""

import doctest
import re

import pytest
import typer
from helpers.pages import PAGES
from helpers.paths import ROOT
from pydantic import BaseModel

from qcompress import cli
from qcompress.config import Config
from qcompress.detectors import load_detector
from qcompress.detectors.hgcal.encoder.models import ENCODER
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.codecs import OTHER, REFERENCES, TRANSVERSE
from qcompress.detectors.hgcal.evaluation.learned import Regressions
from qcompress.training.options import TrainingOptions

EXAMPLES = [page for page in PAGES if ">>> " in page.read_text()]


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_give_what_they_show(page):
    result = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_site_has_every_page():
    listed = re.findall(r"(?:: |- )([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(str(page.relative_to(ROOT / "docs")) for page in PAGES if "docs" in page.parts)


def test_the_gallery_has_every_figure_and_says_what_made_it():
    page = (ROOT / "docs" / "gallery.md").read_text()
    shown = re.findall(r"!\[[^\]]+\]\(figures/([^)]+)\)", page)
    assert sorted(shown) == sorted(path.name for path in (ROOT / "docs" / "figures").iterdir())
    for section in page.split("\n## ")[1:]:
        commands = re.findall(r"`(?:qcompress|python|make) [^`]+`", section)
        assert commands, section.splitlines()[0]
        for script in re.findall(r"python ((?:campaigns|benchmarks)/\w+\.py)", section):
            assert (ROOT / script).is_file()


def test_every_command_of_the_readme_exists(qcompress):
    offered = qcompress("--help").stdout
    for command in set(re.findall(r"`qcompress ([\w-]+)", (ROOT / "README.md").read_text())):
        assert f" {command} " in offered


def options(command, name=""):
    """(command, option) of everything that can be asked for."""
    for sub in getattr(command, "commands", {}) or []:
        yield from options(command.get_command(None, sub), f"{name} {sub}".strip())
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            yield name, parameter.opts[0]


def test_every_option_stands_on_the_page_of_commands():
    app = typer.main.get_command(cli.app)
    offered = {*options(app)}
    for name in ("econt", "lartpc", "tpc"):
        offered |= {*options(app.get_command(None, name), name)}
    shown, command = set(), ""
    for line in (ROOT / "docs" / "commands.md").read_text().splitlines():
        if re.match(r"\| (`[a-z]|all of|\|)", line):
            _, first, option, *_ = line.split("|")
            command = re.sub(r"[`]| [A-Z].*|^all of ", "", first.strip()) or command
            shown |= {(command, name) for name in re.findall(r"--[a-z-]+", option)}
    shown |= {(f"data {name}", "--detector") for name in ("inspect", "import", "export", "select")}
    assert shown - offered == {("data", "--detector")}
    assert offered - shown == {("", "--version")}  # which the page names above the table


def keys(model):
    for name, field in model.model_fields.items():
        yield name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation)


def test_every_key_of_a_config_stands_on_a_page():
    places = {"config": "config", "training": "compiler/training", "hgcal": "hgcal/index"}
    pages = {name: (ROOT / "docs" / f"{place}.md").read_text() for name, place in places.items()}
    own = {key for detector in ("hgcal", "tpc") for key in keys(load_detector(detector).options)}
    for model, page in ((TrainingOptions, "training"), (load_detector("hgcal").selection, "hgcal")):
        assert [key for key in keys(model) if not re.search(rf"`{key}\b", pages[page])] == []
    known = own | set(keys(Config)) - set(keys(TrainingOptions))
    assert [key for key in sorted(known) if f"`{key}`" not in pages["config"]] == []


def test_every_algorithm_stands_on_the_page_of_evaluation():
    page = (ROOT / "docs" / "hgcal" / "evaluation.md").read_text()
    regressions = Regressions({}, {}, {}).codecs()
    for name in (*CHIP, *regressions, ENCODER, OTHER, TRANSVERSE, *REFERENCES):
        assert f"`{name}`" in page
