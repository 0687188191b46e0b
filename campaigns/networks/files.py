"""Networks as files that other exporters wrote."""

from networks import IMAGE, WIDE, Network, add

HALVES = "weights=fixed<12,4>,activations=fixed<16,6>"
PUBLIC = {
    "cifar10_tiny.h5": ("hls4ml-finn-mlperftiny/CIFAR10", IMAGE),
    "hq_qconv2dbn.h5": ("fastmachinelearning/hls4ml: test/pytest/test_qkeras.py, test_qconv2dbn", WIDE),
    "cicada_v1.keras": ("Princeton-AD/cicada: models.py, CicadaV1", "ufixed<10,10>"),
    "smartpix.h5": ("smart-pix/smart-pixels-ml: models.py", "fixed<8,4>"),
    "ad03_toycar.h5": ("hls4ml-finn-mlperftiny/AnomalyDetection", WIDE),
    "hq_btnn1.h5": ("fastmachinelearning/hls4ml: test/pytest/test_qkeras.py, test_btnn", WIDE),
    "qk_tutorial.h5": ("google/qkeras: notebook/QKerasTutorial.ipynb", WIDE),
    "hgq2_openml_2.keras": ("calad0i/alkaid-ae: openml", None),
    "hgq2_own_conv.keras": ("calad0i/HGQ2 0.1.9: a convolutional network", None),
    "hgq2_lut_openml_2.keras": ("calad0i/HGQ-LUT-AE: jsc_hlf/openml", None),
    "qkeras_jettagging.onnx": (
        "fastmachinelearning/qonnx_model_zoo: models/JetTagging/QKeras_hls4ml_3layer/qkeras_jettagging.onnx",
        WIDE,
    ),
    "jedi_int_8.h5": ("calad0i/alkaid-ae: jedi", "fixed<12,4>"),
}
for file, (source, format_) in PUBLIC.items():
    add(Network(f"file {file}", "files", source, file=f"data: models/public/{file}", input_format=format_))

for name in ("jsc_openml_733", "jsc_openml_758", "jsc_openml_771", "jedi_lin8part"):
    source = "calad0i/JEDI-linear" if "jedi" in name else "calad0i/alkaid-ae: openml"
    add(Network(f"file {name}", "files", source, file=f"data: models/hgq/{name}.keras"))
add(
    Network(
        "file interaction_network_8const_8bits",
        "files",
        "fastmachinelearning/l1-jet-id: interaction network of 8 constituents, 8 bits",
        file="data: models/jedi_qkeras/interaction_network_8const_8bits.h5",
        input_format="fixed<12,4>",
    )
)

EXAMPLES = "fastmachinelearning/example-models"
QUANTIZED = ("qkeras_3layer", "qkeras_mnist_cnn", "qkeras_mnist_dense", "keras_bnn")
FLOATS = (
    *("KERAS_1layer", "KERAS_3layer", "KERAS_3layer_batch_norm", "KERAS_conv1d_small", "KERAS_conv1d"),
    *("KERAS_conv2d_model", "KERAS_dense_16x100x100x100x100x100x5", "jetTagger_Conv2D_Small"),
    "jetTagger_Conv2D_Small_NoBatchNorm",
)
LOW = ("KERAS_3layer_binary_smaller", "KERAS_3layer_ternary_small", "KERAS_3layer_binarydense_relu_max")
GARNET = r"GarNet.* is known|is not supported"
for name in (*QUANTIZED, *FLOATS, *LOW, "garnet_1layer", "garnet_3layer"):
    place = f"{EXAMPLES}: keras/{name}"
    plan = HALVES if name in (*FLOATS, *LOW, "keras_bnn") else None  # of signs, the last normalization is of floats
    add(
        Network(
            f"example-models {name}",
            "example-models",
            f"{place}.json",
            file=f"{place}.json",
            weights=f"{place}_weights.h5",
            input_format=IMAGE if "mnist" in name else WIDE,
            plan=plan,
            refused=GARNET if "garnet" in name else None,  # a layer of its own, of floats, whose code is in no file
        )
    )
for share in ("70", "95"):
    place = f"{EXAMPLES}: keras/KERAS_3layer"
    file, weights = f"{place}.json", f"{place}_{share}pruned_retrained_weights.h5"
    name = f"example-models KERAS_3layer_{share}pruned"
    add(Network(name, "example-models", file, file=file, weights=weights, input_format=WIDE, plan=HALVES))
for file in (
    "qkeras-v3_3layer.keras",
    "hgq_jet_classifier.h5",
    "hgq_mnist_heterogeneous.h5",
    "hgq_mnist_homogeneous.h5",
):
    place = f"{EXAMPLES}: keras/{file}"
    add(Network(f"example-models {file}", "example-models", place, file=place, input_format=WIDE))

ONNX = (
    *("bnn_model_fc_1layer", "branched_model_ch_last", "separable_conv_model_ch_last", "tiny_unet_ch_last"),
    *("three_layer_keras", "three_layer_bn_pytorch", "conv2d_small_mp_keras"),
)
for name in ONNX:
    place = f"{EXAMPLES}: onnx/{name}.onnx"
    plan = HALVES if "keras" in name or "pytorch" in name else None
    add(Network(f"example-models {name}.onnx", "QONNX files", place, file=place, input_format="fixed<8,1>", plan=plan))
ZOO = "fastmachinelearning/qonnx_model_zoo"
for path in (
    "models/GSCV2/kwsmlp_w3a3/kwsmlp_w3a3.onnx",
    *(f"models/MNIST/Brevitas_FINN_TFC/TFC/TFC_{kind}.onnx" for kind in ("1W1A", "1W2A", "2W2A")),
    "models/UNSW_NB15/unsw_nb15_mlp_w2a2/unsw_nb15-mlp-w2a2.onnx",
):
    place = f"{ZOO}: {path}"
    add(Network(f"zoo {path.split('/')[-1]}", "QONNX files", place, file=place, input_format="fixed<8,1>"))
DATA = "fastmachinelearning/qonnx: src/qonnx/data/onnx"
for path, refused in {
    "bsd300x3-espcn/nn_resize/quant_model.onnx": None,
    "bsd300x3-espcn/subpixel/quant_model.onnx": None,
    "eltwise_chanlast_testcase.onnx": None,
    "residual_block_clean.onnx": None,
    "floatquant_exec/qonnx_act_weight_fp8.onnx": r"FloatQuant|minifloat",
}.items():
    place, name = f"{DATA}/{path}", path.removesuffix(".onnx")
    plan = HALVES if name == "residual_block_clean" else None  # it has no quantizers
    add(Network(f"qonnx {name}", "QONNX files", place, None, place, None, "fixed<8,1>", plan, refused))
