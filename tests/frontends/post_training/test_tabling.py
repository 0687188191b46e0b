"""A softmax and a normalization of rows inside a model of floats become tables, near what they were."""

import numpy as np
import pytest

from qcompress.errors import Refused
from qcompress.frontends import load_model, model_of
from qcompress.frontends.post_training.plan import parse_plan
from qcompress.frontends.post_training.quantizing import quantize
from qcompress.frontends.runtime import import_keras

keras = import_keras()
layers = keras.layers
RNG = np.random.default_rng(0)


def model():
    given = keras.Input((4, 6))
    found = layers.LayerNormalization(name="rows")(given)
    found = layers.Softmax(name="weights")(layers.Dense(5, name="scores")(found))
    found = layers.Dense(3, activation="softmax", name="inner")(found)
    made = keras.Model(given, layers.Dense(2, name="last")(found))
    for layer in made.layers:
        layer.set_weights([RNG.normal(0, 1, weight.shape) for weight in layer.weights])
    return made


@pytest.mark.parametrize(
    "plan", ["weights=fixed<12,4>,activations=fixed<12,4>,inputs=fixed<12,4>", "weights=12,activations=12,inputs=12"]
)
def test_it_is_exact_and_near_the_model_of_floats(plan, tmp_path) -> None:
    values = RNG.normal(0, 1, (200, 4, 6))
    done = quantize(model(), parse_plan(plan), values)
    said = [note for note in done.notes if "tabl" in note]
    assert [note.split(":")[0] for note in said] == ["layer rows", "layer weights", "layer inner_function"]
    found = load_model(model_of(done.model).save(tmp_path / "tables"))
    graph = found.convert("net").graph
    codes = RNG.integers(graph.input_format.min_code, graph.input_format.max_code, (100, 4, 6), endpoint=True)
    assert np.array_equal(found.body(graph).run(codes), graph.run(codes))
    assert 0 < done.cost.outputs[0].mean < done.cost.outputs[0].largest < 0.1


def test_what_has_no_table_is_refused() -> None:
    plan = parse_plan("weights=8,activations=fixed<12,4>")

    def told(*made, shape=(4, 6)):
        return quantize(keras.Sequential([keras.Input(shape), *made, layers.Dense(1)]), plan)

    with pytest.raises(Refused, match="layer rows: LayerNormalization along axis 1; use the last one"):
        told(layers.LayerNormalization(axis=1, name="rows"))
    with pytest.raises(Refused, match="layer soft: Softmax along axis 1, 2; use the last one"):
        told(layers.Softmax(axis=[1, 2], name="soft"))
    with pytest.raises(Refused, match="a softmax of 3000 inside the model; use it only at the end"):
        told(layers.Softmax(name="soft"), shape=(3000,))
