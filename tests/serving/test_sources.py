"""What is served, as it is named."""

import pytest

from qcompress.errors import QcompressError
from qcompress.serving.sources import Source, When, sources_of


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("a/b", Source("a/b")),
        ("encoder=a/b", Source("a/b", "encoder")),
        ("encoder:12=a/b", Source("a/b", "encoder", 12)),
        ("encoder=a/x=3", Source("a/x=3", "encoder")),
        ("./x=3/b", Source("./x=3/b")),
        ("x:y=3", Source("x:y=3")),
    ],
)
def test_names_and_versions(text, source):
    assert Source.parse(text) == source


def test_a_folder_is_a_folder_whatever_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x=3").mkdir()
    assert Source.parse("x=3") == Source("x=3")


@pytest.mark.parametrize("text", ["a:0=b", f"a:{2**31}=b"])
def test_versions_that_are_none(text):
    with pytest.raises(QcompressError, match="versions are 1, 2"):
        Source.parse(text)


def test_models_of_several_networks_have_names_of_their_own():
    assert Source("c", "mine").model_name("encoder", alone=True) == "mine"
    assert Source("c", "mine").model_name("encoder", alone=False) == "mine.encoder"
    assert Source("c").model_name("encoder", alone=False) == "encoder"


def test_a_run_belongs_to_names_in_a_registry_alone():
    when = When(run=5)
    assert sources_of(["folder", "mine:2=registry:encoder"], when) == [
        Source("folder"),
        Source("registry:encoder", "mine", 2, when),
    ]
    with pytest.raises(QcompressError, match="go with registry:NAME"):
        sources_of(["folder"], when)
