#ifndef DEFINES_H_
#define DEFINES_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "nnet_utils/nnet_types.h"
#include <array>
#include <cstddef>
#include <cstdio>
#include <tuple>
#include <tuple>


// hls-fpga-machine-learning insert numbers

// hls-fpga-machine-learning insert layer-precision
typedef ap_fixed<4,2> input_t;
typedef ap_fixed<10,5> n1_conv_accum_t;
typedef ap_fixed<10,5> layer2_t;
typedef ap_fixed<4,2> n1_conv_weight_t;
typedef ap_fixed<4,2> n1_conv_bias_t;
typedef ap_fixed<10,5> layer3_t;
typedef ap_fixed<18,8> n2_relu_table_t;
typedef ap_ufixed<4,2,AP_RND,AP_SAT,0> layer4_t;
typedef ap_fixed<18,8> n3_cast_table_t;
typedef ap_fixed<12,7> n5_dense_accum_t;
typedef ap_fixed<12,7> layer6_t;
typedef ap_fixed<4,2> n5_dense_weight_t;
typedef ap_fixed<4,2> n5_dense_bias_t;
typedef ap_uint<1> layer6_index;
typedef ap_fixed<3,2> layer7_t;
typedef ap_fixed<18,8> n6_codes_table_t;
typedef ap_fixed<4,2> layer8_t;
typedef ap_fixed<4,2> n7_table_table_t;
typedef ap_fixed<5,3> result_t;

// hls-fpga-machine-learning insert emulator-defines


#endif
