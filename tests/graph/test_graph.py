"""Graphs: running, tracing, saving, loading, damaged files."""

import json

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Node, Quantize, Stage

WEIGHTS = Format.parse("fixed<6,1>")


def small_graph(seed=0):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.integers(-32, 31, shape, endpoint=True)

    return Graph(
        "small",
        (4, 4, 1),
        Format.parse("ufixed<8,1>"),
        (
            Node(
                "conv",
                Conv2D(
                    draw(3, 3, 1, 2), WEIGHTS, draw(2), WEIGHTS, Format.parse("fixed<16,9>"), (2, 2), ((0, 1), (0, 1))
                ),
                "input",
            ),
            Node("relu", Quantize(Cast.parse("ufixed<8,1,RND_CONV,SAT>")), "conv"),
            Node("flat", Flatten(), "relu"),
            Node("dense", Dense(draw(8, 3), WEIGHTS, draw(3), WEIGHTS, Format.parse("fixed<18,10>")), "flat"),
        ),
        Cast.parse("ufixed<8,1,RND_CONV,SAT>"),
    )


def codes(rows=50):
    return np.random.default_rng(1).integers(0, 256, (rows, 4, 4, 1))


def test_a_graph_is_a_stage():
    graph = small_graph()
    assert isinstance(graph, Stage)
    assert (graph.output_shape, str(graph.output_format)) == ((3,), "fixed<18,10>")


def test_saved_and_loaded_graphs_give_the_same_codes_and_the_same_hash(tmp_path):
    graph = small_graph()
    graph.save(tmp_path / "a")
    again = Graph.load(tmp_path / "a")
    assert again.content_hash() == graph.content_hash() != small_graph(1).content_hash()
    assert (again.run(codes()) == graph.run(codes())).all()
    assert again.formats == graph.formats
    again.save(str(tmp_path / "b"))
    assert Graph.load(str(tmp_path / "b")).content_hash() == graph.content_hash()
    for name in ("graph.json", "weights.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_rows_are_computed_in_pieces_that_bound_the_memory(monkeypatch):
    graph, seen = small_graph(), {"cast": [], "sums": []}
    expected = graph.run(codes())
    cast, sums = Quantize.run, Conv2D.patches
    monkeypatch.setattr(Quantize, "run", lambda self, c, given: seen["cast"].append(len(c)) or cast(self, c, given))
    monkeypatch.setattr(Conv2D, "patches", lambda self, c, part: seen["sums"].append(len(c)) or sums(self, c, part))
    monkeypatch.setattr("qcompress.graph.graph.CHUNK", 20 * (16 + 8 + 8 + 8 + 3))
    monkeypatch.setattr("qcompress.graph.linear.CHUNK", 12 * 4 * 9)
    assert (graph.run(codes()) == expected).all()
    assert seen == {"cast": [20, 20, 10], "sums": [12, 8, 12, 8, 10]}


def test_no_rows_give_no_rows():
    assert small_graph().run(codes(0)).shape == (0, 3)


def test_trace_gives_every_node_and_upto_ends_after_one():
    graph = small_graph()
    trace = graph.trace(codes())
    assert list(trace) == ["conv", "relu", "flat", "dense"]
    assert (trace["dense"] == graph.run(codes())).all()
    assert (graph.upto("relu").run(codes()) == trace["relu"]).all()


def test_ranges_hold_all_traced_codes():
    graph = small_graph()
    ranges = graph.ranges()
    for name, got in graph.trace(codes(2000)).items():
        assert (got >= ranges[name].low).all()
        assert (got <= ranges[name].high).all()


def test_predict_goes_through_the_input_quantizer_or_demands_the_grid():
    graph = small_graph()
    values = codes() / 128
    assert (graph.predict(values) == graph.output_format.to_values(graph.run(codes()))).all()
    assert (graph.predict(values + 1 / 512) == graph.predict(values)).all()
    strict = Graph("strict", graph.input_shape, graph.input_format, graph.nodes)
    assert (strict.predict(values) == graph.predict(values)).all()
    with pytest.raises(QcompressError, match="800 of 800 values are not on the grid"):
        strict.predict(values + 1 / 512)
    with pytest.raises(QcompressError, match="1 of 800 values are NaN"):
        graph.predict(np.where(np.arange(800).reshape(50, 4, 4, 1) == 7, np.nan, values))


def test_wrong_input_codes_are_faults():
    graph = small_graph()
    with pytest.raises(QcompressError, match=r"rows of shape \(4, 4, 1\), got \(4, 4\)"):
        graph.run(codes()[..., 0])
    with pytest.raises(QcompressError, match="1 input codes are outside"):
        graph.run(np.where(np.arange(800).reshape(50, 4, 4, 1) == 7, 256, codes()))


def test_graphs_that_make_no_sense_are_faults():
    node = Node("a", Flatten(), "input")
    unsigned = Format.parse("ufixed<8,1>")
    for nodes in ((), (node, node), (Node("a", Flatten(), "nobody"),)):
        with pytest.raises(QcompressError, match="graph g"):
            Graph("g", (2,), unsigned, nodes)
    with pytest.raises(QcompressError, match="input quantizer"):
        Graph("g", (2,), unsigned, (node,), Cast.parse("ufixed<9,1>"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema=99), "schema 99"),
        (lambda d: d["nodes"][0].update(operation="Lambda"), "damaged graph"),
        (lambda d: d["nodes"][0]["parameters"].update(kernel={"array": "nothing"}), "damaged graph"),
        (lambda d: d["nodes"][0]["parameters"].update(kernel_format="float"), "no number format"),
        (lambda d: d.pop("input_shape"), "damaged graph"),
    ],
)
def test_damaged_graphs_are_one_line(tmp_path, change, message):
    small_graph().save(tmp_path)
    description = json.loads((tmp_path / "graph.json").read_text())
    change(description)
    (tmp_path / "graph.json").write_text(json.dumps(description))
    with pytest.raises(QcompressError, match=message):
        Graph.load(tmp_path)


@pytest.mark.parametrize("file", ["graph.json", "weights.npz"])
def test_truncated_or_missing_files_are_one_line(tmp_path, file):
    small_graph().save(tmp_path)
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(QcompressError, match="no readable graph"):
        Graph.load(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(QcompressError, match="no readable graph"):
        Graph.load(tmp_path)


@pytest.mark.parametrize("text", ["[]", "5", '"graph"', "[1]"])
def test_json_that_is_no_graph_is_one_line(tmp_path, text):
    small_graph().save(tmp_path)
    (tmp_path / "graph.json").write_text(text)
    with pytest.raises(QcompressError, match=r"no readable graph|graph schema None"):
        Graph.load(tmp_path)


def test_arrays_with_pickled_objects_are_not_read(tmp_path):
    small_graph().save(tmp_path)
    np.savez(tmp_path / "weights.npz", **{"conv.kernel": np.array([{}], dtype=object)})
    with pytest.raises(QcompressError, match="no readable graph"):
        Graph.load(tmp_path)
