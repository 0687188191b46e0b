`timescale 1 ns / 1 ps

module qcompress_core (
    input clk,
    input wire [15:0] model_inp,
    output reg [9:0] model_out
);

    wire [15:0] INTERNAL_logic0_inp;
    wire [24:0] INTERNAL_logic0_outp;
    wire [24:0] INTERNAL_logic1_inp;
    wire [9:0] INTERNAL_logic1_outp;
    reg [15:0] model_inp_reg;
    reg [24:0] stage1_inp;
    
    logic0 _inst_logic0 (.model_inp(INTERNAL_logic0_inp), .model_out(INTERNAL_logic0_outp));
    logic1 _inst_logic1 (.model_inp(INTERNAL_logic1_inp), .model_out(INTERNAL_logic1_outp));
    
    assign INTERNAL_logic0_inp[15:0] = model_inp_reg[15:0];
    assign INTERNAL_logic1_inp[24:0] = stage1_inp[24:0];

    always @(posedge clk) begin
            model_inp_reg[15:0] <= model_inp[15:0];
        stage1_inp[24:0] <= INTERNAL_logic0_outp[24:0];
        model_out[9:0] <= INTERNAL_logic1_outp[9:0];
        end

endmodule
