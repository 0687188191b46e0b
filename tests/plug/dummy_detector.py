"""A detector in sixty lines: four channels, is their sum large? It keeps the plug honest."""

import numpy as np
import pandas as pd

from qcompress.detectors import Detector, Network, NetworkSection, Results, Rows, SampleCard, Table
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Graph, Node, Quantize

CHANNELS = [f"channel_{k}" for k in range(4)]


def loss(target, score):
    import keras

    return keras.ops.mean((target - score / 64) ** 2)


def read(path):
    table = pd.read_csv(path)
    return table[CHANNELS].to_numpy(np.int64), table["split"].to_numpy("u1")


class DummyOptions(NetworkSection):
    weight_bits: int = 4


class Dummy(Detector):
    name, options, kinds = "dummy", DummyOptions, ("uniform",)
    more_scores = ("mean",)

    def simulate(self, kind, events, seed, path, report):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(rng.integers(0, 256, (events, 4)), columns=CHANNELS)
        table.assign(split=np.arange(events) % 3).to_csv(path, index=False)

    def rows(self, path, front_end, network):
        codes, split = read(path)
        return Rows.of(codes, (codes.sum(axis=1, keepdims=True) > 512).astype("f4"), split)

    def card(self, path):
        codes, split = read(path)
        return SampleCard(len(codes), len(codes), str(codes.sum()), str(split.sum()))

    def front_end(self, options):
        return {"gain": 0}

    def preprocess(self, front_end, network, graphs):
        half = Quantize(Cast(Format(False, 6, 6 + front_end["gain"] + 2)))
        return Graph("drop", (4,), Format(False, 8, 8), (Node("drop", half, "input"),))

    def networks(self, options, own):
        import keras
        import qkeras

        weights = qkeras.quantized_bits(options.weight_bits, 0, alpha=1)
        dense = qkeras.QDense(1, kernel_quantizer=weights, bias_quantizer=weights, name="sum")
        latent = qkeras.QActivation(qkeras.quantized_bits(8, 6, alpha=1), name="score")
        scale = qkeras.QActivation(qkeras.quantized_relu(6, 8), name="input_quantizer")
        model = own.get("sum") or keras.Sequential([keras.Input((4,)), scale, dense, latent])
        return (Network("sum", model, model, loss),)

    def emulate(self, firmware, source, target, overrides, report):
        scores = firmware.network_codes("sum", read(source)[0])
        pd.DataFrame(scores, columns=["score"]).to_csv(target, index=False)
        return f"{len(scores)} rows"

    def evaluate(self, firmware, path, decode, wanted, report):
        scores = firmware.network_codes("sum", read(path)[0][: wanted.whole(self.name)])
        mean = float(scores.mean())
        return Results((Table("Scores", ("rows", "mean"), ((len(scores), mean),)),), {"mean": mean})


DETECTOR = Dummy()
