`timescale 1 ns / 1 ps

module logic0 (
    input [15:0] model_inp,
    output [24:0] model_out
);

    // verilator lint_off UNUSEDSIGNAL
    // Explicit quantization operation will drop bits if exists

    wire [3:0] v0; assign v0[3:0] = 'b1111;
    wire [3:0] v1; assign v1[3:0] = model_inp[3:0];
    wire [3:0] v2; assign v2[3:0] = model_inp[7:4];
    wire [3:0] v3; assign v3[3:0] = model_inp[11:8];
    wire [3:0] v4; assign v4[3:0] = model_inp[15:12];
    wire [4:0] v5; shift_adder #(4,4,1,1,5,0,0,1) op_5 (v4[3:0],v3[3:0],v5[4:0]);
    wire [4:0] v6; shift_adder #(4,4,1,1,5,0,0,0) op_6 (v2[3:0],v1[3:0],v6[4:0]);
    wire [4:0] v7; shift_adder #(4,4,1,1,5,0,0,0) op_7 (v3[3:0],v2[3:0],v7[4:0]);
    wire [6:0] v8; ternary_adder #(4,1,0,0,4,1,1,1,4,1,1,2,7,0) op_8 (v1[3:0],v2[3:0],v1[3:0],v8[6:0]);
    wire [6:0] v9; ternary_adder #(4,1,0,0,4,1,1,1,4,1,1,2,7,0) op_9 (v3[3:0],v4[3:0],v3[3:0],v9[6:0]);
    wire [6:0] v10; ternary_adder #(4,1,0,0,4,1,1,1,4,1,1,2,7,0) op_10 (v2[3:0],v3[3:0],v2[3:0],v10[6:0]);
    wire [6:0] v11; shift_adder #(7,2,1,0,7,0,2,1) op_11 (v8[6:0],2'b11,v11[6:0]);
    wire [6:0] v12; shift_adder #(7,2,1,0,7,0,2,1) op_12 (v9[6:0],2'b11,v12[6:0]);
    wire [6:0] v13; shift_adder #(7,2,1,0,7,0,2,1) op_13 (v10[6:0],2'b11,v13[6:0]);
    wire [0:0] v14; assign v14[0:0] = v11[6:6];
    wire [0:0] v15; assign v15[0:0] = v12[6:6];
    wire [0:0] v16; assign v16[0:0] = v13[6:6];
    wire [0:0] v17; assign v17[0:0] = ~v14;
    wire [0:0] v18; assign v18[0:0] = ~v15;
    wire [0:0] v19; assign v19[0:0] = ~v16;
    wire [0:0] v20; negative #(1, 1, 0) op_20 (v17, v20[0:0]);
    wire [0:0] v21; negative #(1, 1, 0) op_21 (v18, v21[0:0]);
    wire [0:0] v22; negative #(1, 1, 0) op_22 (v19, v22[0:0]);
    wire [6:0] v23; binop #(1,7,1,1,7,0,0) op_23 (v20, v11, v23[6:0]);
    wire [6:0] v24; binop #(1,7,1,1,7,0,0) op_24 (v21, v12, v24[6:0]);
    wire [6:0] v25; binop #(1,7,1,1,7,0,0) op_25 (v22, v13, v25[6:0]);
    wire [7:0] v26; shift_adder #(7,1,1,0,8,0,0,0) op_26 (v23[6:0],1'b1,v26[7:0]);
    wire [7:0] v27; shift_adder #(7,1,1,0,8,0,0,0) op_27 (v24[6:0],1'b1,v27[7:0]);
    wire [7:0] v28; shift_adder #(7,1,1,0,8,0,0,0) op_28 (v25[6:0],1'b1,v28[7:0]);
    wire [6:0] v29; assign v29[6:0] = v26[7:1];
    wire [6:0] v30; assign v30[6:0] = v27[7:1];
    wire [6:0] v31; assign v31[6:0] = v28[7:1];
    wire [5:0] v32; assign v32[5:0] = v29[5:0] & {6{~v29[6]}};
    wire [5:0] v33; assign v33[5:0] = v30[5:0] & {6{~v30[6]}};
    wire [5:0] v34; assign v34[5:0] = v31[5:0] & {6{~v31[6]}};
    wire [5:0] v35; shift_adder #(6,4,0,0,6,0,0,1) op_35 (v32[5:0],4'b1111,v35[5:0]);
    wire [5:0] v36; shift_adder #(6,4,0,0,6,0,0,1) op_36 (v33[5:0],4'b1111,v36[5:0]);
    wire [5:0] v37; shift_adder #(6,4,0,0,6,0,0,1) op_37 (v34[5:0],4'b1111,v37[5:0]);
    wire [3:0] v38; mux #(6,4,0,0,4,0) op_38 (v35[5],v32[5:0],v0[3:0],v38[3:0]);
    wire [3:0] v39; mux #(6,4,0,0,4,0) op_39 (v36[5],v33[5:0],v0[3:0],v39[3:0]);
    wire [3:0] v40; mux #(6,4,0,0,4,0) op_40 (v37[5],v34[5:0],v0[3:0],v40[3:0]);
    wire [7:0] v41; ternary_adder #(4,1,1,2,4,1,1,2,5,1,0,0,8,0) op_41 (v4[3:0],v3[3:0],v5[4:0],v41[7:0]);
    wire [7:0] v42; shift_adder #(8,3,1,0,8,0,2,1) op_42 (v41[7:0],3'b101,v42[7:0]);
    wire [0:0] v43; assign v43[0:0] = v42[7:7];
    wire [0:0] v44; assign v44[0:0] = ~v43;
    wire [0:0] v45; negative #(1, 1, 0) op_45 (v44, v45[0:0]);
    wire [7:0] v46; ternary_adder #(4,1,0,0,4,1,1,0,5,1,1,2,8,0) op_46 (v2[3:0],v1[3:0],v6[4:0],v46[7:0]);
    wire [7:0] v47; ternary_adder #(4,1,0,0,4,1,1,0,5,1,1,2,8,0) op_47 (v3[3:0],v2[3:0],v7[4:0],v47[7:0]);
    wire [7:0] v48; shift_adder #(8,3,1,0,8,0,2,1) op_48 (v46[7:0],3'b101,v48[7:0]);
    wire [7:0] v49; shift_adder #(8,3,1,0,8,0,2,1) op_49 (v47[7:0],3'b101,v49[7:0]);
    wire [0:0] v50; assign v50[0:0] = v48[7:7];
    wire [0:0] v51; assign v51[0:0] = v49[7:7];
    wire [0:0] v52; assign v52[0:0] = ~v50;
    wire [0:0] v53; assign v53[0:0] = ~v51;
    wire [0:0] v54; negative #(1, 1, 0) op_54 (v52, v54[0:0]);
    wire [0:0] v55; negative #(1, 1, 0) op_55 (v53, v55[0:0]);
    wire [7:0] v56; binop #(1,8,1,1,8,0,0) op_56 (v45, v42, v56[7:0]);
    wire [8:0] v57; shift_adder #(8,1,1,0,9,0,1,0) op_57 (v56[7:0],1'b1,v57[8:0]);
    wire [6:0] v58; assign v58[6:0] = v57[8:2];
    wire [5:0] v59; assign v59[5:0] = v58[5:0] & {6{~v58[6]}};
    wire [5:0] v60; shift_adder #(6,4,0,0,6,0,0,1) op_60 (v59[5:0],4'b1111,v60[5:0]);
    wire [7:0] v61; binop #(1,8,1,1,8,0,0) op_61 (v54, v48, v61[7:0]);
    wire [7:0] v62; binop #(1,8,1,1,8,0,0) op_62 (v55, v49, v62[7:0]);
    wire [8:0] v63; shift_adder #(8,1,1,0,9,0,1,0) op_63 (v61[7:0],1'b1,v63[8:0]);
    wire [8:0] v64; shift_adder #(8,1,1,0,9,0,1,0) op_64 (v62[7:0],1'b1,v64[8:0]);
    wire [6:0] v65; assign v65[6:0] = v63[8:2];
    wire [6:0] v66; assign v66[6:0] = v64[8:2];
    wire [5:0] v67; assign v67[5:0] = v65[5:0] & {6{~v65[6]}};
    wire [5:0] v68; assign v68[5:0] = v66[5:0] & {6{~v66[6]}};
    wire [5:0] v69; shift_adder #(6,4,0,0,6,0,0,1) op_69 (v67[5:0],4'b1111,v69[5:0]);
    wire [5:0] v70; shift_adder #(6,4,0,0,6,0,0,1) op_70 (v68[5:0],4'b1111,v70[5:0]);
    wire [3:0] v71; mux #(6,4,0,0,4,0) op_71 (v60[5],v59[5:0],v0[3:0],v71[3:0]);
    wire [4:0] v72; shift_adder #(4,4,0,0,5,0,0,1) op_72 (v38[3:0],v40[3:0],v72[4:0]);
    wire [3:0] v73; mux #(6,4,0,0,4,0) op_73 (v69[5],v67[5:0],v0[3:0],v73[3:0]);
    wire [3:0] v74; mux #(6,4,0,0,4,0) op_74 (v70[5],v68[5:0],v0[3:0],v74[3:0]);

    // verilator lint_on UNUSEDSIGNAL

    assign model_out[3:0] = v38[3:0];
    assign model_out[7:4] = v39[3:0];
    assign model_out[11:8] = v71[3:0];
    assign model_out[16:12] = v72[4:0];
    assign model_out[20:17] = v73[3:0];
    assign model_out[24:21] = v74[3:0];

endmodule
