"""HGQ2's examples and its layers in published networks: untrained weights, formats that it traces on random rows."""

from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np

from networks import Network, add
from networks.building import filled, keras, plain
from qcompress.frontends.hgq2_files import import_hgq

SOURCE = "calad0i/HGQ2"


def traced(name: str, model: Any) -> Any:
    """Random weights, and the integer bits that trace_minmax finds on 1000 random rows."""
    from hgq.utils import trace_minmax

    filled(name, model)
    rng = np.random.default_rng(crc32(name.encode()))
    rows = [rng.normal(0, 1, (1000, *each.shape[1:])).astype(np.float32) for each in model.inputs]
    trace_minmax(model, rows if len(rows) > 1 else rows[0], verbose=0)
    return model


def put(name: str, source: str, build: Callable[..., Any], refused: str | None = None) -> None:
    """A network into the list; build: from the module of HGQ2's layers."""

    def made() -> Any:
        return traced(name, build(import_hgq().layers))

    add(Network(f"HGQ2 {name}", "HGQ2", source, made, refused=refused))


def chain(shape: tuple[int, ...], layers: Callable[[Any], list[Any]]) -> Callable[[Any], Any]:
    return lambda q: keras.Sequential([keras.Input(shape), *layers(q)])


put(
    "jsc",
    f"{SOURCE}: example jsc",
    chain(
        (16,),
        lambda q: [
            q.QDense(64, activation="relu"),
            q.QDense(32, activation="relu"),
            q.QDense(32, activation="relu"),
            q.QDense(5),
        ],
    ),
)
put(
    "jsc, normalized",
    f"{SOURCE}: example jsc",
    chain(
        (16,),
        lambda q: [q.QBatchNormDense(64, activation="relu"), q.QBatchNormDense(32, activation="relu"), q.QDense(5)],
    ),
)


def digits(q: Any, side: int = 32) -> Any:
    layers = []
    for filters in (16, 16, 24):
        layers += [q.QConv2D(filters, 3, activation="relu"), plain.MaxPooling2D(2)]
    layers += [plain.Flatten(), q.QDense(42, activation="relu"), q.QDense(64, activation="relu"), q.QDense(10)]
    return keras.Sequential([keras.Input((side, side, 3)), *layers])


put("svhn", f"{SOURCE}: example svhn", digits)


def muon(q: Any) -> Any:
    """Three detector stations, convolutions over each, one angle."""
    given = [keras.Input((3, 50, 1), name=f"station{number}") for number in range(3)]
    found = []
    for each in given:
        node = q.QConv2D(4, (3, 5), strides=(1, 5), activation="relu")(each)
        found.append(plain.Flatten()(node))
    node = q.QDense(16, activation="relu")(plain.Concatenate()(found))
    return keras.Model(given, q.QDense(1)(q.QDense(16, activation="relu")(node)))


put("muon tracker", f"{SOURCE}: example muon; arXiv:2202.04976", muon)
put(
    "hls4ml conv1d",
    "fastmachinelearning/hls4ml: test/pytest/test_hgq2",
    chain(
        (16, 4),
        lambda q: [q.QConv1D(6, 3, activation="relu"), q.QConv1D(3, 3, padding="same"), plain.Flatten(), q.QDense(4)],
    ),
)
put(
    "hls4ml einsum",
    "fastmachinelearning/hls4ml: test/pytest/test_hgq2",
    chain(
        (7, 8),
        lambda q: [
            q.QEinsumDense("bnc,cd->bnd", (7, 9), bias_axes="d", activation="relu"),
            q.QEinsumDense("bnd,nm->bmd", (5, 9)),
        ],
    ),
)


def sums(q: Any) -> Any:
    """phi of every particle by dense layers, their sum, rho."""
    given = keras.Input((16, 3))
    node = q.QEinsumDenseBatchnorm("bnc,cd->bnd", (16, 24), bias_axes="d", activation="relu")(given)
    node = q.QEinsumDenseBatchnorm("bnc,cd->bnd", (16, 24), bias_axes="d", activation="relu")(node)
    node = q.QSum(axes=1, scale=1 / 16)(node)
    return keras.Model(given, q.QDense(5)(q.QDense(16, activation="relu")(node)))


put("JEDI-linear of 16 particles", "calad0i/JEDI-linear: jet_classifier.py", sums)


def mixer(q: Any) -> Any:
    """One mixer block: over particles, then over features, each with a sum around it."""
    given = keras.Input((16, 8))
    mixed = q.QEinsumDense("bnc,nm->bmc", (16, 8), activation="relu")(given)
    node = q.QAdd()([q.QEinsumDense("bnc,nm->bmc", (16, 8))(mixed), given])
    mixed = q.QEinsumDense("bnc,cd->bnd", (16, 8), bias_axes="d", activation="relu")(node)
    node = q.QAdd()([q.QEinsumDense("bnc,cd->bnd", (16, 8), bias_axes="d")(mixed), node])
    return keras.Model(given, q.QDense(5)(plain.Flatten()(node)))


put("MLP-mixer", "arXiv:2503.03103: MLP-mixer of 16 particles", mixer)


def attention(q: Any, linear: bool) -> Any:
    given = keras.Input((8, 6))
    block = q.QLinformerAttention(2, 4, 3) if linear else q.QMultiHeadAttention(2, 3, fuse="qkv")
    node = q.QAdd()([block(given), given])
    node = q.QEinsumDense("bnc,cd->bnd", (8, 8), bias_axes="d", activation="relu")(node)
    return keras.Model(given, q.QDense(5)(plain.Flatten()(node)))


put("attention", "fastmachinelearning/hls4ml: test/pytest/test_hgq2_mha.py", lambda q: attention(q, False))
put("linear attention", f"{SOURCE}: QLinformerAttention", lambda q: attention(q, True))


def separate(q: Any) -> Any:
    query, key, value = keras.Input((8, 9)), keras.Input((12, 7)), keras.Input((12, 7))
    return keras.Model([query, key, value], q.QMultiHeadAttention(4, 8, fuse="none")(query, key, value))


put("attention of three inputs", "fastmachinelearning/hls4ml: test/pytest/test_hgq2_mha.py", separate)


def product(q: Any, equation: str, shapes: tuple[tuple[int, ...], ...]) -> Any:
    given = [keras.Input(shape) for shape in shapes]
    return keras.Model(given, q.QEinsum(equation)(given))


for equation, shapes in {
    "xbi,xj->xbij": ((8, 16), (16,)),
    "xbi,xio->xbo": ((7, 8), (8, 9)),
    "xi,xoi->xo": ((16,), (20, 16)),
    "xabcd,xbcde->xaeb": ((2, 4, 8, 16), (4, 8, 16, 3)),
}.items():
    name = equation.replace("->", " to ")
    put(
        f"einsum {name}",
        "fastmachinelearning/hls4ml: test/pytest/test_qeinsum.py",
        lambda q, e=equation, s=shapes: product(q, e, s),
    )

put("LUT tagger", "calad0i/HGQ-LUT-AE: jsc_hlf", chain((16,), lambda q: [q.QDenseT(20, batch_norm=True), q.QDenseT(5)]))
put(
    "LUT with dense",
    "calad0i/HGQ-LUT-AE: jsc_hlf",
    chain((16,), lambda q: [q.QDense(16, activation="relu"), q.QDenseT(8), q.QDense(5)]),
)
put(
    "softmax",
    "fastmachinelearning/hls4ml: test/pytest/test_softmax.py",
    chain((16,), lambda q: [q.QDense(8, activation="relu"), q.QDense(5), q.QSoftmax()]),
)
