`timescale 1 ns / 1 ps

module qcompress_core_wrapper (
    input clk,
    // verilator lint_off UNUSEDSIGNAL,
    input wire [15:0] model_inp,
    // verilator lint_on UNUSEDSIGNAL,
    output wire [9:0] model_out
);

wire [15:0] model_inp_packed;
    wire [9:0] model_out_packed;

    assign model_inp_packed[15:0] = model_inp[15:0];
    assign model_out[9:0] = model_out_packed[9:0];

    qcompress_core qcompress_core_inst (
        .clk(clk),
        .model_inp(model_inp_packed),
        .model_out(model_out_packed)
    );

endmodule
