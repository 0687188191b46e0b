`timescale 1 ns / 1 ps

/* verilator lint_off DECLFILENAME */
module table_609b98c9_7d04_4f01_bc1d_2e44a2042fc9(input [2:0] in, output reg [2:0] out);
always @(*) case (in)
3'h0: out = 3'h7;
3'h1: out = 3'h6;
3'h2: out = 3'h5;
3'h3: out = 3'h4;
3'h4: out = 3'h3;
3'h5: out = 3'h2;
3'h6: out = 3'h1;
3'h7: out = 3'h0;
default: out = {3{1'bx}};
endcase
endmodule
/* verilator lint_on DECLFILENAME */
