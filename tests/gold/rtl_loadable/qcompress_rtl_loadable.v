// qcompress_rtl_loadable: graph layer with weights that are loaded
// latency 6 clock edges, interval 2, reuse factor 2
// 24 bits of weights in 1 blocks of 64
// weights must stand still from the input of a row to its result
//
// input                  2            fixed<4,2>
// cast   Quantize        2            ufixed<3,2>
// dense  Dense           2            fixed<12,7>
//
// weights, from the lowest bit of block 0
//   dense.kernel: 4 x 4 bits
//   dense.bias: 2 x 4 bits

module qcompress_rtl_loadable (
    input clk,
    input reset,
    input load_enable,
    input [0:0] load_address,
    input [63:0] load_data,
    input input_valid,
    input [7:0] input_codes,
    output input_ready,
    output reg output_valid,
    output reg [23:0] output_codes
);
    reg [5:1] valid;
    always @(posedge clk) valid <= reset ? {5{1'b0}} : {valid[4:1], input_valid};
    reg [1:0] waiting;
    assign input_ready = waiting == 2'd0;
    always @(posedge clk) begin
        if (reset) waiting <= 2'd0;
        else if (input_valid) waiting <= 2'd1;
        else if (!input_ready) waiting <= waiting - 2'd1;
    end

    wire [15:0] dense_kernel;
    wire [7:0] dense_bias;
    qcompress_rtl_loadable_weights weights (
        .clk(clk),
        .load_enable(load_enable),
        .load_address(load_address),
        .load_data(load_data),
        .dense_kernel(dense_kernel),
        .dense_bias(dense_bias)
    );

    wire [5:0] cast;
    cast_element cast__0 (.in_0(input_codes[3:0]), .out(cast[2:0]));
    cast_element cast__1 (.in_0(input_codes[7:4]), .out(cast[5:3]));
    wire [23:0] dense;
    dense dense_layer (
        .clk(clk), .start(input_valid), .codes(cast),
        .kernel(dense_kernel), .bias(dense_bias), .sums(dense)
    );
    always @(posedge clk) begin
        output_valid <= valid[5];
        if (valid[5]) output_codes <= dense;
    end
endmodule

module qcompress_rtl_loadable_weights (
    input clk,
    input load_enable,
    input [0:0] load_address,
    input [63:0] load_data,
    output [15:0] dense_kernel,
    output [7:0] dense_bias
);
    reg [23:0] stored;
    always @(posedge clk) begin
        if (load_enable) case (load_address)
            1'd0: stored[23:0] <= load_data[23:0];
            default: ;
        endcase
    end
    assign dense_kernel = stored[15:0];
    assign dense_bias = stored[23:16];
endmodule

module cast_element (
    input [3:0] in_0,
    output [2:0] out
);
    wire [3:0] value = in_0;
    wire [2:0] floor = value[3:1];
    wire half = value[0];
    wire below = 1'b0;
    wire negative = value[3];
    wire up = half;
    wire [3:0] rounded = {{1{floor[2]}}, floor} + {{3{1'b0}}, up};
    wire over = 1'b0;
    wire under = rounded[3];
    wire [2:0] fitting = rounded[2:0];
    assign out = over ? 3'd7 : under ? 3'd0 : fitting;
endmodule

module dense_sum (
    input clk,
    input [5:0] window,
    input [7:0] weights,
    output [9:0] sum
);
    wire [2:0] value_0 = window[2:0];
    wire [3:0] weight_0 = weights[3:0];
    wire [6:0] product_0 = $signed({{4{1'b0}}, value_0}) * $signed({{3{weight_0[3]}}, weight_0});
    wire [8:0] cast_0 = {product_0, {2{1'b0}}};
    wire [2:0] value_1 = window[5:3];
    wire [3:0] weight_1 = weights[7:4];
    wire [6:0] product_1 = $signed({{4{1'b0}}, value_1}) * $signed({{3{weight_1[3]}}, weight_1});
    wire [8:0] cast_1 = {product_1, {2{1'b0}}};
    reg [8:0] cast_0_q;
    reg [8:0] cast_1_q;
    always @(posedge clk) begin
        cast_0_q <= cast_0;
        cast_1_q <= cast_1;
    end
    wire [9:0] sum_0_0 = {{1{cast_0_q[8]}}, cast_0_q} + {{1{cast_1_q[8]}}, cast_1_q};
    reg [9:0] sum_0_0_q;
    always @(posedge clk) begin
        sum_0_0_q <= sum_0_0;
    end
    assign sum = sum_0_0_q;
endmodule

module dense (
    input clk,
    input start,
    input [5:0] codes,
    input [15:0] kernel,
    input [7:0] bias,
    output reg [23:0] sums
);
    reg [5:0] held;
    always @(posedge clk) if (start) held <= codes;

    reg active;
    reg [1:0] active_line;
    wire writing = active_line[1];
    reg [0:0] step;
    reg [1:0] step_line;
    wire [0:0] last_step = step_line[1:1];
    always @(posedge clk) begin
        active_line <= {active_line[0:0], active};
        step_line <= {step_line[0:0], step};
        if (start) step <= 1'd0;
        else if (step != 1'd1) step <= step + 1'd1;
        active <= start | (active & (step != 1'd1));
    end

    wire [5:0] inputs_0_0 = {
        held[5:3], held[2:0]
    };
    wire [7:0] filter_0 = {
        kernel[11:8], kernel[3:0]
    };
    wire [7:0] filter_1 = {
        kernel[15:12], kernel[7:4]
    };

    wire [3:0] bias_0 = bias[3:0];
    wire [11:0] bias_cast_0 = {{{5{bias_0[3]}}, bias_0}, {3{1'b0}}};
    wire [3:0] bias_1 = bias[7:4];
    wire [11:0] bias_cast_1 = {{{5{bias_1[3]}}, bias_1}, {3{1'b0}}};
    reg [7:0] weights_2;
    always @* begin
        case (step)
            1'd0: weights_2 = filter_0[7:0];
            default: weights_2 = filter_1[7:0];
        endcase
    end
    reg [11:0] start_3;
    always @* begin
        case (last_step)
            1'd0: start_3 = bias_cast_0;
            default: start_3 = bias_cast_1;
        endcase
    end
    wire [9:0] sum_0;
    dense_sum slot_0 (.clk(clk), .window(inputs_0_0[5:0]), .weights(weights_2), .sum(sum_0));
    wire [11:0] total_0 = start_3 + {{2{sum_0[9]}}, sum_0};
    wire [11:0] totals = total_0;
    always @(posedge clk) begin
        if (writing) case (last_step)
            1'd0: sums[11:0] <= totals;
            1'd1: sums[23:12] <= totals;
            default: ;
        endcase
    end
endmodule

