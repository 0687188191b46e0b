"""Projects as hls4ml writes them, small and by hand: texts for the front end, and folders that g++ can build."""

import shutil
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qcompress.frontends.hls4ml_project import FRONT_END, Project
from qcompress.frontends.hls4ml_project.files import write_files
from qcompress.graph import Graph

Ports = Mapping[str, tuple[str, str]]
"""Name -> type and size, as "8*8*3"."""

DENSE = """struct config2 : nnet::dense_config {{
    static const unsigned n_in = {n_in};
    static const unsigned n_out = {n_out};
    static const unsigned io_type = nnet::io_parallel;
    static const unsigned strategy = nnet::latency;
    static const unsigned reuse_factor = 1;
    static const unsigned n_zeros = 0;
    static const unsigned multiplier_limit = DIV_ROUNDUP(n_in * n_out, reuse_factor) - n_zeros / reuse_factor;
    static const bool store_weights_in_bram = false;
    typedef own_accum_t accum_t;
    typedef own_bias_t bias_t;
    typedef own_weight_t weight_t;
    typedef ap_uint<1> index_t;
    template<class data_T, class res_T, class CONFIG_T>
    using kernel = nnet::DenseLatency<data_T, res_T, CONFIG_T>;
    template<class x_T, class y_T>
    using product = nnet::product::mult<x_T, y_T>;
}};
"""
ACTIVATION = """struct {name} : nnet::activ_config {{
    static const unsigned n_in = {n_in};
    static const unsigned table_size = {table_size};
    static const unsigned io_type = nnet::io_parallel;
    static const unsigned reuse_factor = 1;
    typedef own_table_t table_t;
}};
"""


def project(
    calls: Sequence[str],
    types: Mapping[str, str],
    structs: str = "",
    weights: Mapping[str, Sequence[float]] | None = None,
    inputs: Ports | None = None,
    outputs: Ports | None = None,
) -> Project:
    """A project of Vitis, without nnet_utils; calls: statements; types: typedefs by name; weights: by name."""
    inputs = inputs or {"x": ("input_t", "4")}
    outputs = outputs or {"y": ("result_t", "4")}
    ports = ",\n    ".join(f"{kind} {name}[{size}]" for name, (kind, size) in {**inputs, **outputs}.items())
    defines = "\n".join(f"typedef {told} {name};\ntypedef {told} own_{name};" for name, told in types.items())
    files = {
        "firmware/defines.h": f'#ifndef DEFINES_H_\n#define DEFINES_H_\n#include "ap_fixed.h"\n{defines}\n#endif\n',
        "firmware/parameters.h": _parameters(structs, weights or {}),
        "firmware/net.h": f'#include "defines.h"\nvoid net(\n    {ports}\n);\n',
        "firmware/net.cpp": _source(ports, calls),
    }
    for name, values in (weights or {}).items():
        listed = ", ".join(f"{value:.10f}" for value in values)
        kind = {"w": "weight_t", "b": "bias_t"}.get(name[0], "weight_t")
        files[f"firmware/weights/{name}.h"] = f"{kind} {name}[{len(values)}] = {{{listed}}};\n"
    return Project("folder", files)


def _parameters(structs: str, weights: Mapping[str, Any]) -> str:
    included = "\n".join(f'#include "weights/{name}.h"' for name in weights)
    headers = "\n".join(
        f'#include "nnet_utils/nnet_{kind}.h"' for kind in ("activation", "dense", "helpers", "pooling")
    )
    return f'#include "ap_fixed.h"\n#include "defines.h"\n{headers}\n{included}\n{structs}\n'


def _source(ports: str, calls: Sequence[str]) -> str:
    body = "\n\n    ".join(calls)
    return f'#include "net.h"\n#include "parameters.h"\n\nvoid net(\n    {ports}\n) {{\n    {body}\n}}\n'


def graph_of(*given: Any, **named: Any) -> Graph:
    """The graph of such a project."""
    return FRONT_END.convert(project(*given, **named), "net", None).graph


def folder_with_kernels(made: Project, folder: Path, sizes: tuple[int, int]) -> Path:
    """Write a project of one input x and one output y, with hls4ml's own kernels and types, and a bridge.

    sizes: of x and y.
    """
    write_files(made, folder)
    found = find_spec("hls4ml")
    assert found is not None
    assert found.submodule_search_locations is not None
    templates = Path(found.submodule_search_locations[0], "templates")
    shutil.copytree(templates / "vivado" / "nnet_utils", folder / "firmware" / "nnet_utils")
    shutil.copytree(templates / "vivado" / "ap_types", folder / "firmware" / "ap_types")
    (folder / "net_bridge.cpp").write_text(BRIDGE.format(x=sizes[0], y=sizes[1]))
    return folder


BRIDGE = """#include "firmware/net.h"
#include "firmware/nnet_utils/nnet_helpers.h"
#include <map>

namespace nnet {{
bool trace_enabled = false;
std::map<std::string, void *> *trace_outputs = NULL;
size_t trace_type_size = sizeof(double);
}} // namespace nnet

extern "C" void net_double(double *x, double *y) {{
    input_t x_ap[{x}];
    result_t y_ap[{y}];
    nnet::convert_data<double, input_t, {x}>(x, x_ap);
    net(x_ap, y_ap);
    nnet::convert_data<result_t, double, {y}>(y_ap, y);
}}
"""
