"""Networks of triggers and of read-out: taggers, anomaly detection, qubits, encoders, from published layer tables."""

from collections.abc import Sequence
from typing import Any

from networks import WIDE, Network, add
from networks.building import act, bits, filled, keras, kernel_bits, plain, qkeras, sequential

TAGGER = "arXiv:1804.06913 and arXiv:2006.10159: jet tagger 16-64-32-32-5"


def mlp(name: str, sizes: Sequence[int], width: int, relu: int, integer: int = 0, first: Any = None) -> Any:
    """Dense layers of sizes[1:] on sizes[0] inputs, a quantized ReLU behind each but the last."""
    layers = [] if first is None else [act(first)]
    for size in sizes[1:-1]:
        layers += [qkeras().QDense(size, **kernel_bits(width, integer)), act(f"quantized_relu({relu},{integer + 2})")]
    return sequential(name, sizes[:1], [*layers, qkeras().QDense(sizes[-1], **kernel_bits(width, integer))])


def put_mlp(name: str, source: str, sizes: Sequence[int], width: int, relu: int, format_: str = WIDE) -> None:
    add(
        Network(
            name,
            "taggers and read-out",
            source,
            lambda: mlp(name, sizes, width, relu),
            input_format=format_,
        )
    )


for width in (2, 3, 4, 6, 8, 12, 16):
    put_mlp(f"jet tagger, {width} bits", TAGGER, (16, 64, 32, 32, 5), width, width)
put_mlp(
    "muon pT network, 8 bits", "muon pT regression of the endcap trigger, 29-30-25-20-1", (29, 30, 25, 20, 1), 8, 12
)
put_mlp(
    "qubit read-out 800-16-2",
    "arXiv:2501.14663: qubit read-out with QICK, one hidden layer",
    (800, 16, 2),
    6,
    8,
    "fixed<14,14>",
)
put_mlp(
    "qubit read-out 1000-4-1",
    "arXiv:2501.14663: qubit read-out with QICK, four hidden units",
    (1000, 4, 1),
    8,
    8,
    "fixed<14,14>",
)
put_mlp("track quality 7-32-16-1", "CMS level-1 track quality, an MLP on 7 parameters", (7, 32, 16, 1), 8, 8)
put_mlp("vertex weights 3-10-10-1", "CMS level-1 end-to-end vertexing: network of the weights", (3, 10, 10, 1), 6, 8)
put_mlp("calorimeter tau 80-25-25-1", "CMS level-1 tau identification, 80-25-25-1", (80, 25, 25, 1), 8, 9)
put_mlp("smart pixels 13-58-3", "arXiv:2310.02474: filter of two dense layers", (14, 58, 3), 5, 8, "fixed<6,6>")
put_mlp(
    "LHC beam-loss 259-128-518 MLP",
    "Fermilab READS: de-blending of beam losses, MLP 259-128-518",
    (259, 128, 518),
    8,
    8,
)


def student(name: str, version: int) -> Any:
    """CICADA's students: QDenseBatchnorm behind the towers, in version 2 behind one convolution."""
    make = qkeras()
    wide = {"kernel_quantizer": bits(12, 3), "use_bias": False}
    hidden = make.QDenseBatchnorm(16, kernel_quantizer=bits(8, 1), use_bias=False)
    layers = []
    if version == 2:
        layers += [
            plain.Reshape((18, 14, 1)),
            make.QConv2D(4, 2, strides=2, **wide),
            act("quantized_relu(10,6)"),
            plain.Flatten(),
        ]
    layers += [hidden, act("quantized_relu(10,6)"), make.QDense(1, **wide), act("quantized_relu(16,8)")]
    return sequential(name, (252,), layers)


for version in (1, 2):
    title = f"CICADA v{version} student"
    add(
        Network(
            title,
            "anomaly detection",
            f"Princeton-AD/cicada: models.py, CicadaV{version}",
            lambda title=title, version=version: student(title, version),
            input_format="ufixed<10,10>",
        )
    )


def axol1tl(name: str) -> Any:
    """Means of the encoder 57-32-16-8, which are what the trigger sums the squares of."""
    make, layers = qkeras(), []
    for size in (32, 16):
        layers += [make.QDense(size, **kernel_bits(8, 1)), plain.BatchNormalization(), act("quantized_relu(10,6)")]
    return sequential(name, (57,), [*layers, make.QDense(8, **kernel_bits(8, 1))])


def squares(name: str) -> Any:
    """The same with the score: the sum of squares."""
    given = keras.Input((57,))
    node = given
    for size in (32, 16):
        node = act("quantized_relu(10,6)")(qkeras().QDense(size, **kernel_bits(8, 1))(node))
    node = act("quantized_bits(12,5,alpha=1)")(qkeras().QDense(8, **kernel_bits(8, 1))(node))
    node = plain.Multiply()([node, node])
    ones = plain.Dense(1, use_bias=False, kernel_initializer="ones", trainable=False)
    made = filled(name, keras.Model(given, ones(node)))
    ones.set_weights([ones.kernel.numpy() * 0 + 1])
    return made


ANOMALY = "arXiv:2108.03986: encoder of a variational autoencoder on 57 inputs"
add(Network("AXOL1TL-like encoder, means", "anomaly detection", ANOMALY, lambda: axol1tl("means"), input_format=WIDE))
add(Network("AXOL1TL-like encoder, score", "anomaly detection", ANOMALY, lambda: squares("score"), input_format=WIDE))


def econ(name: str, filters: int, size: int, strides: int, pool: bool, padded: str, latents: int) -> Any:
    """ECON-T encoder: a convolution over trigger cells, a dense layer of latents."""
    make, six = qkeras(), kernel_bits(6)
    layers = [act("quantized_bits(8,1,alpha=1)"), make.QConv2D(filters, size, strides=strides, padding=padded, **six)]
    layers += [act("quantized_relu(8,1)")] + ([plain.MaxPooling2D(2, padding="same")] if pool else [])
    layers += [plain.Flatten(), make.QDense(latents, **six), act("quantized_relu(8,1)")]
    return sequential(name, (8, 8, 1) if padded == "same" else (4, 4, 3), layers)


ECON = {
    "ECON-T encoder 8x8, stride 2, 8 filters": (8, 3, 2, False, "same", 16),
    "ECON-T encoder 8x8, pooled": (8, 3, 1, True, "same", 16),
    "ECON-T encoder 8x8, 4 filters, 10 latents": (4, 3, 2, False, "same", 10),
    "ECON-T encoder 4x4x3": (8, 3, 1, False, "valid", 16),
}
for title, parts in ECON.items():
    add(
        Network(
            title,
            "taggers and read-out",
            "arXiv:2105.01683; cern-hls4ml/ECON-T autoencoder",
            lambda title=title, parts=parts: econ(title, *parts),
            input_format=WIDE,
        )
    )


def deepsets(name: str, particles: int, features: int, quantized: bool, mean: bool) -> Any:
    """phi of each particle, a sum or mean over the particles, rho of the result."""
    make, layers = qkeras(), []
    eight = kernel_bits(8, 1)
    for _ in range(3):
        layers += [make.QDense(32, **eight), act("quantized_relu(8,4)")]
    layers += [plain.GlobalAveragePooling1D() if mean else plain.GlobalMaxPooling1D()]
    layers += [act("quantized_bits(10,5,alpha=1)")] if quantized else []
    layers += [make.QDense(32, **eight), act("quantized_relu(8,4)"), make.QDense(5, **eight)]
    return sequential(name, (particles, features), layers)


SETS = "arXiv:2402.01876 and bb511/deepsets_synth"
for particles, mean, quantized in (
    (8, True, True),
    (16, True, False),
    (32, True, True),
    (8, False, False),
    (10, True, True),
):
    title = f"DeepSets of {particles} particles, {'mean' if mean else 'max'}{', quantized' if quantized else ''}"
    add(
        Network(
            title,
            "taggers and read-out",
            SETS,
            lambda title=title, parts=(particles, 3, quantized, mean): deepsets(title, *parts),
            input_format="fixed<12,4>",
        )
    )


def b_tag(name: str) -> Any:
    """Convolutions of one step over ten candidates, flattened into dense layers, as the L1 b tagger."""
    make, layers = qkeras(), []
    for size in (50, 20, 10):
        layers += [make.QConv1D(size, 1, **kernel_bits(9, 2)), act("quantized_relu(9,5)")]
    layers += [plain.Flatten()]
    for size in (16, 8):
        layers += [make.QDense(size, **kernel_bits(9, 2)), act("quantized_relu(9,5)")]
    return sequential(name, (10, 14), [*layers, make.QDense(1, **kernel_bits(9, 2)), plain.Activation("sigmoid")])


def two_heads(name: str) -> Any:
    """Tau and jet identification: a class and a momentum from one trunk."""
    make, given = qkeras(), keras.Input((16, 20), name="particles")
    node = given
    for size in (20, 10):
        node = act("quantized_relu(9,5)")(make.QConv1D(size, 1, **kernel_bits(9, 2))(node))
    node = plain.GlobalAveragePooling1D()(node)
    scores = make.QDense(8, **kernel_bits(9, 2))(act("quantized_relu(9,5)")(make.QDense(25, **kernel_bits(9, 2))(node)))
    pt = make.QDense(1, **kernel_bits(9, 2))(act("quantized_relu(9,5)")(make.QDense(25, **kernel_bits(9, 2))(node)))
    outputs = {
        "scores": plain.Activation("softmax", name="scores")(scores),
        "pt": plain.Activation("linear", name="pt")(pt),
    }
    return filled(name, keras.Model(given, outputs))


L1 = "CMS level-1 b, tau and jet tagging of Phase 2"
add(Network("L1 b tagger", "taggers and read-out", L1, lambda: b_tag("b tagger"), input_format=WIDE))
add(Network("L1 jets, two heads", "taggers and read-out", L1, lambda: two_heads("two heads"), input_format=WIDE))


def interaction(name: str, nodes: int = 8) -> Any:
    """Edges from pairs of particles by two constant matrices, summed at the receivers."""
    import numpy as np

    make, given = qkeras(), keras.Input((nodes, 3))
    pairs = [(a, b) for a in range(nodes) for b in range(nodes) if a != b]
    receive = np.array([[float(node == a) for a, _ in pairs] for node in range(nodes)])
    send = np.array([[float(node == b) for _, b in pairs] for node in range(nodes)])
    eight = kernel_bits(8, 1)

    def along(matrix: Any, tensor: Any, label: str) -> Any:
        layer = plain.Conv1D(matrix.shape[1], 1, use_bias=False, name=label)
        turned = layer(plain.Permute((2, 1))(tensor))
        constants.append((layer, matrix))
        return plain.Permute((2, 1))(turned)

    constants: list[tuple[Any, Any]] = []
    edges = plain.Concatenate()([along(receive, given, "receive"), along(send, given, "send")])
    for size in (12, 6):
        edges = act("quantized_relu(8,4)")(make.QConv1D(size, 1, **eight)(edges))
    node = plain.Concatenate()([given, along(receive.T, edges, "gather")])
    node = act("quantized_relu(8,4)")(make.QConv1D(16, 1, **eight)(node))
    node = act("quantized_bits(12,7,alpha=1)")(plain.GlobalAveragePooling1D()(node))
    model = filled(name, keras.Model(given, make.QDense(5, **eight)(node)))
    for layer, matrix in constants:
        layer.set_weights([matrix[None]])
    return model


GRAPH = "arXiv:2402.01876: interaction network of 8 particles, projections as layers of constants"
add(
    Network("interaction network", "taggers and read-out", GRAPH, lambda: interaction("in"), input_format="fixed<12,4>")
)


def smart_pixels(name: str, unit: int) -> Any:
    """Regression of cluster shapes: separable convolutions over pixels, tanh, pooling."""
    make = qkeras()
    kernels = {f"{each}_quantizer": bits(5, 0) for each in ("depthwise", "pointwise", "bias")}
    layers = [make.QSeparableConv2D(unit, 3, **kernels), act("quantized_tanh(4,0,1)")]
    layers += [make.QConv2D(unit, 1, **kernel_bits(5)), act("quantized_tanh(4,0,1)")]
    layers += [plain.AveragePooling2D(3), act("quantized_bits(8,0,alpha=1)"), plain.Flatten()]
    layers += [make.QDense(16, **kernel_bits(8)), act("quantized_tanh(8,0,1)")]
    layers += [make.QDense(16, **kernel_bits(8)), act("quantized_tanh(8,0,1)"), make.QDense(14, **kernel_bits(8))]
    return sequential(name, (13, 21, 2), layers)


for unit in (5, 10):
    add(
        Network(
            f"smart pixels, {unit} filters",
            "taggers and read-out",
            "smart-pix/smart-pixels-ml: models.py",
            lambda unit=unit: smart_pixels(f"smart pixels {unit}", unit),
            input_format="fixed<8,4>",
        )
    )
