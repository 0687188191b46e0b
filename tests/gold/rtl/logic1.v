`timescale 1 ns / 1 ps

module logic1 (
    input [24:0] model_inp,
    output [9:0] model_out
);

    // verilator lint_off UNUSEDSIGNAL
    // Explicit quantization operation will drop bits if exists

    wire [3:0] v0; assign v0[3:0] = model_inp[3:0];
    wire [3:0] v1; assign v1[3:0] = model_inp[7:4];
    wire [3:0] v2; assign v2[3:0] = model_inp[11:8];
    wire [4:0] v3; assign v3[4:0] = model_inp[16:12];
    wire [3:0] v4; assign v4[3:0] = model_inp[20:17];
    wire [3:0] v5; assign v5[3:0] = model_inp[24:21];
    wire [5:0] v6; shift_adder #(4,4,0,0,6,0,1,0) op_6 (v1[3:0],v2[3:0],v6[5:0]);
    wire [5:0] v7; shift_adder #(4,4,0,0,6,0,-1,0) op_7 (v0[3:0],v4[3:0],v7[5:0]);
    wire [6:0] v8; ternary_adder #(4,0,0,0,4,0,1,0,6,0,0,1,7,0) op_8 (v5[3:0],v2[3:0],v6[5:0],v8[6:0]);
    wire [7:0] v9; ternary_adder #(5,1,0,0,6,0,0,0,6,0,1,1,8,0) op_9 (v3[4:0],v6[5:0],v7[5:0],v9[7:0]);
    wire [7:0] v10; shift_adder #(8,2,1,0,8,0,2,1) op_10 (v9[7:0],2'b11,v10[7:0]);
    wire [2:0] v11; assign v11[2:0] = v10[4:2];
    wire [2:0] v12; table_609b98c9_7d04_4f01_bc1d_2e44a2042fc9 op_12 (v11, v12[2:0]);
    wire [4:0] v13; shift_adder #(3,3,1,1,5,0,1,0) op_13 (v12[2:0],v11[2:0],v13[4:0]);
    wire [8:0] v14; ternary_adder #(7,0,0,0,6,0,1,0,8,1,0,0,9,0) op_14 (v8[6:0],v7[5:0],v9[7:0],v14[8:0]);
    wire [8:0] v15; shift_adder #(9,3,1,0,9,0,2,1) op_15 (v14[8:0],3'b101,v15[8:0]);
    wire [2:0] v16; assign v16[2:0] = v15[5:3];
    wire [2:0] v17; table_609b98c9_7d04_4f01_bc1d_2e44a2042fc9 op_17 (v16, v17[2:0]);
    wire [4:0] v18; shift_adder #(3,3,1,1,5,0,1,0) op_18 (v17[2:0],v16[2:0],v18[4:0]);

    // verilator lint_on UNUSEDSIGNAL

    assign model_out[4:0] = v13[4:0];
    assign model_out[9:5] = v18[4:0];

endmodule
