"""Top-level functions of the backends."""

import pytest

from qcompress.errors import QcompressError
from qcompress.frontends.hls4ml_project.files import Project
from qcompress.frontends.hls4ml_project.top import parse_top

VITIS = """
void net(
    input_t image[N_1*8*3], other_t more[4],
    result_t layer3_out[5]
) {
    // hls-fpga-machine-learning insert IO
    #pragma HLS ARRAY_RESHAPE variable=image complete dim=0
#ifndef __SYNTHESIS__
    nnet::load_weights_from_txt<t, 108>(w2, "w2.txt");
#endif
    layer2_t layer2_out[6*6*4];
    #pragma HLS ARRAY_PARTITION variable=layer2_out complete dim=0
    auto& layer8_out = layer2_out;
    nnet::conv_2d_cl<input_t, layer2_t, config2>(image, layer2_out, w2, b2); // conv
    // nnet::relu<layer2_t, result_t, config3>(layer2_out, layer3_out); // relu
    nnet::leaky_relu<layer2_t, p_t, result_t, config3>(layer8_out, 0.3, layer3_out); // conv
}
"""
STREAMS = """
stream<layer2_t> layer2_out;
stream<input_t> image;
#ifndef __INTELFPGA_COMPILER__
void net(stream_in<input_t> &image_stream, stream_out<result_t> &layer3_out_stream) {
#else
component void net(stream_in<input_t> &image_stream, stream_out<result_t> &layer3_out_stream) {
#endif
   for (size_t i = 0; i < 8 / input_t::size; i++) { input_t tmp = image_stream.read(); image.write(tmp); }
    nnet::relu<input_t, layer2_t, config2>(image, layer2_out);
    nnet::linear<layer2_t, result_t, config3>(layer2_out, layer3_out);
   for (size_t i = 0; i < 8 / result_t::size; i++) { result_t tmp = layer3_out.read(); layer3_out_stream.write(tmp); }
}
"""
STRUCTS = """
output_data net(input_data inputs) {
   hls_register output_data outputs;
    layer2_t layer2_out[6] hls_register;
    nnet::relu<input_t, layer2_t, config2>(inputs.image, layer2_out);
    nnet::linear<layer2_t, result_t, config3>(layer2_out, outputs.layer3_out);
   return outputs;
}
"""
HEADER = "struct input_data { input_t image[2*3]; };\nstruct output_data { result_t layer3_out[6]; };\n"


def top(text, **macros):
    return parse_top(Project("p", {"firmware/net.cpp": text, "firmware/net.h": HEADER}), macros)


def test_arrays():
    found = top(VITIS, N_1="2 * 4")
    assert {name: (port.type, port.shape) for name, port in found.ports.items()} == {
        "image": ("input_t", (8, 8, 3)),
        "more": ("other_t", (4,)),
        "layer3_out": ("result_t", (5,)),
    }
    assert found.variables["layer2_out"].shape == (6, 6, 4)
    assert [(call.name, call.function, call.config) for call in found.calls] == [
        ("conv", "conv_2d_cl", "config2"),
        ("conv_", "leaky_relu", "config3"),
    ]
    assert found.calls[1].arguments == ("layer8_out", "0.3", "layer3_out")
    assert found.resolved("layer8_out") == "layer2_out"


def test_streams_of_intel():
    found = top(STREAMS)
    assert list(found.ports) == ["image", "layer3_out"]
    assert [call.name for call in found.calls] == ["layer2", "layer3"]


def test_structs_of_intel():
    found = top(STRUCTS)
    assert {name: port.shape for name, port in found.ports.items()} == {"image": (2, 3), "layer3_out": (6,)}
    assert found.resolved(found.calls[1].arguments[1]) == "layer3_out"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("void other() { nnet::relu<a, b, c>(x, y); }", "has no function net"),
        ("void net(input_t x[4]) { nnet::relu<a, b", "is not closed"),
        ("void net(input_t x[4], std::vector<int> v) { nnet::relu<a, b, c>(x, y); }", "port 'std::vector<int> v'"),
        ("void net(input_t x[N]) { nnet::relu<a, b, c>(x, y); }", "size N is not in defines.h"),
        ("void net(input_t x[0]) { nnet::relu<a, b, c>(x, y); }", "size '0'"),
        ("void net(input_t x[4]) { }", "no source file calls kernels"),
    ],
)
def test_what_is_no_top_level_function_is_one_line(text, said):
    with pytest.raises(QcompressError, match=rf"^[^\n]*{said}[^\n]*$"):
        top(text)
