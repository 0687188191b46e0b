`timescale 1 ns / 1 ps

// qcompress_rtl: graph gold with constant weights
// latency 3 clock edges, interval 1
//
// input                  4x1          fixed<4,2>
// conv   Conv1D          3x2          fixed<10,5>
// relu   Relu            3x2          fixed<10,5>
// cast   Quantize        3x2          ufixed<4,2>
// flat   Flatten         6            ufixed<4,2>
// dense  Dense           2            fixed<12,7>
// codes  Quantize        2            fixed<3,2>
// table  Table           2            fixed<4,2>
// sum    Add             2            fixed<5,3>
//
// 4 codes of fixed<4,2> in, 2 codes of fixed<5,3> out, element 0 in the lowest bits
module qcompress_rtl (
    input clk,
    input [15:0] input_codes,
    output [9:0] output_codes
);

    wire [15:0] core_input;
    wire [9:0] core_output;
    assign core_input[0 +: 4] = {input_codes[0 +: 4]};
    assign core_input[4 +: 4] = {input_codes[4 +: 4]};
    assign core_input[8 +: 4] = {input_codes[8 +: 4]};
    assign core_input[12 +: 4] = {input_codes[12 +: 4]};
    qcompress_core_wrapper core (.clk(clk), .model_inp(core_input), .model_out(core_output));
    assign output_codes[0 +: 5] = {core_output[0 +: 5]};
    assign output_codes[5 +: 5] = {core_output[5 +: 5]};

endmodule
