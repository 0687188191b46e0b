"""What --quantize may say, and what is said of anything else."""

import json
from pathlib import Path

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.frontends.post_training.plan import parse_plan
from qcompress.frontends.post_training.quantizing import read_values


def test_formats_and_bits_by_kind_and_layer(tmp_path: Path) -> None:
    plan = parse_plan("weights=fixed<8,1>, activations=12")
    assert plan.of("weights", "any").format == Format(True, 8, 1)
    assert (plan.of("activations", "any").bits, plan.of("biases", "any"), plan.needs_values) == (12, None, True)
    assert str(plan) == "weights fixed<8,1>, activations 12 bits"
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"weights": 4, "activations": "ufixed<6,2>", "layers": {"last": {"weights": 8}}}))
    plan = parse_plan(str(path), 99.5)
    assert [plan.of("weights", name).bits for name in ("first", "last")] == [4, 8]
    assert (plan.percentile, plan.needs_values) == (99.5, False)
    with pytest.raises(QcompressError, match=r"no layer 'last' to quantize; there is lust"):
        plan.check_layers(["first", "lust"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("weights=8", "says nothing of activations: give activations=FORMAT"),
        ("weights=8,activation=8", "no kind 'activation'; did you mean activations"),
        ("weights=8,weights=9,activations=8", "'weights=9': give KIND=FORMAT once"),
        ("weights=8,activations", "'activations': give KIND=FORMAT once"),
        ("weights=fixed<8>,activations=8", "--quantize weights: "),
        ("weights=8,activations=25", "25 bits; give 1 to 24"),
        ("weights=8,activations=0", "0 bits; give 1 to 24"),
    ],
)
def test_another_plan_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(QcompressError, match=said) as fault:
        parse_plan(text)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[1]", "give an object of inputs, weights, biases, activations and layers"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"weights": true, "activations": 8}', "weights: True is no format"),
        ('{"weights": 8, "activations": 8, "layers": {"a": 3}}', "layer a: give an object"),
        ('{"weights": 8, "activations": 8, "layers": {"a": {"kernel": 3}}}', "no kind 'kernel'"),
    ],
)
def test_another_file_is_refused_in_one_line(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(QcompressError, match=said):
        parse_plan(str(tmp_path / "plan.json"))


def test_a_missing_file_and_a_percentile_that_is_none() -> None:
    with pytest.raises(QcompressError, match=r"nowhere\.json: cannot be read"):
        parse_plan("nowhere.json")
    with pytest.raises(QcompressError, match="--percentile 0: give a number above 0"):
        parse_plan("weights=8,activations=8", 0)


@pytest.mark.parametrize("damage", ["no archive", "cut", "overwritten", "no header"])
def test_damaged_files_of_values_are_one_line(damage: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole.npz"
    np.savez_compressed(whole, x=np.random.default_rng(0).random((50, 5)))
    stored = whole.read_bytes()
    content = {
        "no archive": b"PK\x03\x04",
        "cut": stored[: len(stored) // 2],
        "overwritten": stored[:60] + bytes(140) + stored[200:],
        "no header": b"\x93NUMPY\x01\x00\x10\x00{'descr': 'x'   \n",
    }[damage]
    path = tmp_path / "values.npz"
    path.write_bytes(content)
    with pytest.raises(QcompressError, match=r"values\.npz: no readable \.npy or \.npz of arrays") as fault:
        read_values(path)
    assert "\n" not in str(fault.value)
