"""Keys that there are, values that they may have, and how optuna keeps what it cannot hold."""

import pytest
from helpers.paths import PLUG
from helpers.searches import search_in

from qcompress.config.search import SearchOptions
from qcompress.errors import QcompressError
from qcompress.search.space import decoded, distributions


def test_ranges_and_choices_are_drawn_as_they_are_given():
    told = SearchOptions.model_validate(
        {
            "objectives": {"lut": "minimize"},
            "space": {
                "a": {"low": 2, "high": 8},
                "b": {"low": 1, "high": 9, "step": 4},
                "c": {"low": 0.1, "high": 10, "log": True},
                "d": ["x", None, True, 3, [1, 2], {"k": 1}],
            },
        }
    )
    found = distributions(told)
    assert (found["a"].low, found["a"].high, found["a"].step) == (2, 8, 1)
    assert found["b"].step == 4
    assert type(found["c"]).__name__ == "FloatDistribution"
    assert found["c"].log
    drawn = [decoded(told, {"d": choice})["d"] for choice in found["d"].choices]
    assert drawn == ["x", None, True, 3, [1, 2], {"k": 1}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("network.weight_bits: {", "network.weigth_bits: {"),
            "names no key that can be varied; did you mean network.weight_bits?",
        ),
        (("network.weight_bits: {", "sample.events: {"), "names no key that can be varied"),
        (("low: 0.001", "low: 0"), "log: low 0 has no logarithm"),
        (("{low: 0.001, high: 0.1, log: true}", "{low: -1.0, high: 1.0}"), "-1.0 cannot be: training.learning_rate"),
        (("{low: 2, high: 8}", "[2, many]"), "'many' cannot be: network.weight_bits"),
        (("{low: 2, high: 8}", "[2, 3, 2]"), "a choice is given twice"),
        (("lut: minimize", "luts: minimize"), "no step gives a figure 'luts'; did you mean lut?"),
        (("lut: minimize", "mena: maximize"), "no step gives a figure 'mena'; did you mean mean?"),
        (("lut: minimize", "latency_ns: minimize"), "latency_ns is at a clock; give hardware.clock_mhz"),
        (("lut: minimize", "lut: least"), "Input should be 'minimize' or 'maximize'"),
        (("  trials: 12", "  constraints: {lut: {at_most: 3, at_least: 2}}"), "give either at_most or at_least"),
        (("  trials: 12", "  trial: {training.epohcs: 1}"), "training.epohcs: unknown key; did you mean epochs?"),
        (("  trials: 12", "  trial: {network.weight_bits: 1}"), "network.weight_bits is varied, it cannot be given"),
        (("search:", "other:"), "other: unknown key"),
    ],
)
def test_what_cannot_be_searched_is_one_line(tmp_path, monkeypatch, change, said):
    monkeypatch.syspath_prepend(str(PLUG))
    with pytest.raises(QcompressError) as fault:
        search_in(tmp_path, change)
    assert said in str(fault.value)
    assert "c.yaml" in str(fault.value)
    assert "\n" not in str(fault.value)
