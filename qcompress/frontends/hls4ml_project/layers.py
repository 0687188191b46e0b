"""Which kernel of nnet_utils becomes what: the table of everything that a top-level function may call."""

from qcompress.frontends.hls4ml_project import curves, linear, merging, moving, pooling, softmax, tables
from qcompress.frontends.hls4ml_project.curves import Handler
from qcompress.graph import Add, Multiply, Subtract

ACTIVATIONS = {
    "linear": curves.linear,
    "relu": curves.relu,
    "relu1": curves.relu_max(1),
    "relu6": curves.relu_max(6),
    "leaky_relu": curves.leaky_relu,
    "prelu": curves.prelu,
    "thresholded_relu": curves.thresholded_relu,
    "hard_sigmoid": curves.hard_sigmoid,
    "hard_tanh": curves.hard_tanh,
    "binary_tanh": curves.binary_tanh,
    "sigmoid": tables.sigmoid,
    **dict.fromkeys(("tanh", "dense_tanh"), tables.tanh),
    "softplus": tables.softplus,
    "softsign": tables.softsign,
    "elu": tables.elu,
    "selu": tables.selu,
    **dict.fromkeys(("softmax", "softmax_multidim"), softmax.softmax),
}
SUMS = {
    **{f"{kind}_{axes}d_cl": linear.sliding(axes) for kind in ("conv", "pointwise_conv") for axes in (1, 2)},
}
MERGES = {
    "add": merging.arithmetic(Add),
    "subtract": merging.arithmetic(Subtract),
    "multiply": merging.arithmetic(Multiply),
    "average": merging.average,
    "maximum": merging.maximum,
    "minimum": merging.minimum,
    **{f"concatenate{axes}d": merging.concatenate(axes) for axes in (1, 2, 3)},
    "dot1d": merging.dot,
}
POOLS = {
    **{f"pooling{axes}d_cl": pooling.sliding(axes) for axes in (1, 2)},
    **{f"global_pooling{axes}d_cl": pooling.whole(axes) for axes in (1, 2)},
}

KERNELS: dict[str, tuple[Handler, str]] = {
    **dict.fromkeys(("dense", "dense_resource"), (linear.dense, "dense")),
    **{name: (handler, "conv") for name, handler in SUMS.items()},
    **dict.fromkeys(("depthwise_conv_1d_cl", "depthwise_conv_2d_cl"), (linear.depthwise, "depthwise")),
    "normalize": (linear.normalize, "normalize"),
    **{name: (handler, "activation") for name, handler in ACTIVATIONS.items()},
    **{name: (handler, "pooling") for name, handler in POOLS.items()},
    **{name: (handler, "merge") for name, handler in MERGES.items()},
    "clone_stream": (moving.clone, "stream"),
    "repack_stream": (moving.repack, "stream"),
    **{f"zeropad{axes}d_cl": (moving.pad(axes), "padding") for axes in (1, 2)},
    **{f"cropping{axes}d_cl": (moving.crop(axes), "cropping") for axes in (1, 2)},
    "resize_nearest": (moving.resize, "image"),
    **dict.fromkeys(("transpose", "transpose_2d", "transpose_3d"), (moving.transpose, "transpose")),
}
"""By the name of the function in namespace nnet: what reads it, and the headers that it is made of."""
