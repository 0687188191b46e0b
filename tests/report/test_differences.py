"""Columns of what differs between configs: keys that all have, each under its shortest name that is its own."""

from qcompress.report.differences import differing, flat

FIRST = {
    "name": "a",
    "seed": 1,
    "network": {"links": None, "weight_bits": 6, "decoding": {"integer_adc": True}},
    "training": {"epochs": 140, "rate": {"bits": 1}},
    "evaluation": {"algorithms": ["rpt"]},
    "other": {"bits": 4},
}


def test_a_config_is_cells_by_dotted_key():
    cells = flat(FIRST)
    assert cells["network.decoding.integer_adc"] == "yes"
    assert cells["evaluation.algorithms"] == '["rpt"]'
    assert (cells["network.links"], cells["training.epochs"]) == (None, 140)


def test_what_differs_has_a_column_and_nothing_else():
    second = FIRST | {"name": "b", "training": {"epochs": 5, "rate": {"bits": 2}}, "other": {"bits": 8}}
    second["network"] = FIRST["network"] | {"links": 5}
    found = differing([flat(FIRST), flat(second), {}])
    assert found == {
        "links": [None, 5, None],
        "epochs": [140, 5, None],
        "rate bits": [1, 2, None],
        "other bits": [4, 8, None],
    }
    assert differing([flat(FIRST), flat(FIRST)]) == differing([flat(FIRST)]) == differing([{}, {}]) == {}


def test_the_section_is_named_where_the_rest_is_not_unique():
    found = differing([flat({"network": {"bits": n}, "training": {"bits": n}}) for n in (1, 2)])
    assert found == {"network bits": [1, 2], "training bits": [1, 2]}


def test_keys_of_one_detector_alone_are_no_columns():
    other = {"name": "c", "seed": 2, "network": {"neurons": 3}, "training": {"epochs": 140}}
    assert differing([flat(FIRST), flat(other)]) == {"seed": [1, 2]}
