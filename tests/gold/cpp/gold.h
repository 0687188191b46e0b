// gold: made by qcompress VERSION from graph 65e2ff65a84743ad3726972b9c08d70d91b94d2e4302e1084cbe7e99fe78d9f7
// in: input (4, 1) codes of fixed<4,2>
// out: output (2,) codes of fixed<5,3>
// A code is the integer in the register; its value is code * 2^-fraction. C++17, no globals.
// Work space: 1536 bytes on the stack, or the caller's; no heap (up to 1048576 bytes).
// conv (Conv1D): (3, 2) fixed<10,5>
// relu (Relu): (3, 2) fixed<10,5>
// cast (Quantize): (3, 2) ufixed<4,2>
// flat (Flatten): (6,) ufixed<4,2>
// dense (Dense): (2,) fixed<12,7>
// codes (Quantize): (2,) fixed<3,2>
// table (Table): (2,) fixed<4,2>
// sum (Add): (2,) fixed<5,3>

#ifndef QCOMPRESS_GOLD_65E2FF65A847
#define QCOMPRESS_GOLD_65E2FF65A847

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace qcompress_gold_65e2ff65a847 {

using Input = std::int8_t;
using Output = std::int8_t;
constexpr std::size_t input_size = 4;
constexpr std::size_t output_size = 2;
constexpr long long input_smallest = -8LL;
constexpr long long input_largest = 7LL;
constexpr int input_fraction = 2;
constexpr int output_fraction = 2;
constexpr int block_rows = 64;

namespace detail {

// pairs.h

// runtime.h

// conv: Conv1D fixed<10,5> -> relu: Relu fixed<10,5> -> cast: Quantize ufixed<4,2>
struct n0_conv {
    using In = std::int16_t;
    using Out = std::int16_t;
    using Sum = std::int16_t;
    static constexpr int height = 1LL;
    static constexpr int width = 4LL;
    static constexpr int channels = 1LL;
    static constexpr int rows = 1LL;
    static constexpr int columns = 3LL;
    static constexpr int kernel_height = 1LL;
    static constexpr int kernel_width = 2LL;
    static constexpr int stride_y = 1LL;
    static constexpr int stride_x = 1LL;
    static constexpr int dilation_y = 1LL;
    static constexpr int dilation_x = 1LL;
    static constexpr int top = 0LL;
    static constexpr int left = 0LL;
    static constexpr int step = 1LL;
    static constexpr int advance = 1LL;
    static constexpr int stuffing_y = 1LL;
    static constexpr int stuffing_x = 1LL;
    static constexpr int group_channels = 1LL;
    static constexpr int groups = 1LL;
    static constexpr int group_filters = 2LL;
    static constexpr int filters = 2LL;
    static constexpr int shift = 0LL;
    static constexpr bool paired = 0LL;
    static constexpr bool interleaved = 0LL;
    static constexpr Sum gain = 2LL;
    alignas(64) static constexpr std::int16_t weights[4] = {
        -6, -5, -4, -3,
    };
    static constexpr Sum bias[2] = {
        -48, -40,
    };
    template <class A, class V> static inline V finish(V v) {
        v = larger<V>(v, V{} + A(0LL));
        v = (v + A(4)) >> 3;
        return v;
    }
};

// dense: Dense fixed<12,7> -> codes: Quantize fixed<3,2>
struct n2_dense {
    using In = std::int16_t;
    using Out = std::int16_t;
    using Sum = std::int16_t;
    static constexpr int height = 1LL;
    static constexpr int width = 1LL;
    static constexpr int channels = 6LL;
    static constexpr int rows = 1LL;
    static constexpr int columns = 1LL;
    static constexpr int kernel_height = 1LL;
    static constexpr int kernel_width = 1LL;
    static constexpr int stride_y = 1LL;
    static constexpr int stride_x = 1LL;
    static constexpr int dilation_y = 1LL;
    static constexpr int dilation_x = 1LL;
    static constexpr int top = 0LL;
    static constexpr int left = 0LL;
    static constexpr int step = 1LL;
    static constexpr int advance = 1LL;
    static constexpr int stuffing_y = 1LL;
    static constexpr int stuffing_x = 1LL;
    static constexpr int group_channels = 6LL;
    static constexpr int groups = 1LL;
    static constexpr int group_filters = 2LL;
    static constexpr int filters = 2LL;
    static constexpr int shift = 0LL;
    static constexpr bool paired = 0LL;
    static constexpr bool interleaved = 0LL;
    static constexpr Sum gain = 2LL;
    alignas(64) static constexpr std::int16_t weights[12] = {
        -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5,
    };
    static constexpr Sum bias[2] = {
        -48, -40,
    };
    template <class A, class V> static inline V finish(V v) {
        v = (v) >> 4;
        v = ((v & A(7LL)) ^ A(4LL)) - A(4LL);
        return v;
    }
};

// table: Table fixed<4,2>
struct n3_table {
    using In = std::int16_t;
    using Out = std::int16_t;
    static constexpr int size = 2LL;
    static constexpr std::int64_t smallest = -4LL;
    static constexpr std::int16_t table[8] = {
        3, 2, 1, 0, -1, -2, -3, -4,
    };
};

// sum: Add fixed<5,3>
struct n4_sum {
    using In = std::int16_t;
    using Out = std::int16_t;
    using Sum = std::int16_t;
    static constexpr int size = 2LL;
    template <class A, class V> static inline V combine(V a, V b) {
        return a + b * A(2LL);
    }
    template <class A, class V> static inline V finish(V v) {
        return v;
    }
};

template <int LANES> struct Workspace {
    alignas(64) unsigned char bytes[std::size_t(24) * LANES];
    template <class T> T (*at(std::size_t place))[LANES] {
        return reinterpret_cast<T(*)[LANES]>(bytes + place * LANES);
    }
    std::int16_t (*input())[LANES] { return at<std::int16_t>(16); }
    std::int16_t (*n0_conv())[LANES] { return at<std::int16_t>(0); }
    std::int16_t (*n2_dense())[LANES] { return at<std::int16_t>(16); }
    std::int16_t (*n3_table())[LANES] { return at<std::int16_t>(0); }
    std::int16_t (*n4_sum())[LANES] { return at<std::int16_t>(8); }
};

template <int LANES, class From, class To> inline void run(Workspace<LANES> &at, const From *from, To *to, std::size_t rows) {
    spread<4, LANES>(from, rows, at.input());
    linear<n0_conv, LANES>(at.n0_conv(), at.input());
    linear<n2_dense, LANES>(at.n2_dense(), at.n0_conv());
    look_up<n3_table, LANES>(at.n3_table(), at.n2_dense());
    each<n4_sum, LANES>(at.n4_sum(), at.n3_table(), at.n2_dense());
    collect<2, LANES>(at.n4_sum(), rows, to);
}

} // namespace detail

using Workspace = detail::Workspace<block_rows>;

// One row: input_size codes -> output_size codes.
inline void predict(const Input *input, Output *output) {
    detail::Workspace<1> space;
    detail::run<1>(space, input, output, 1);
}

// Many rows, one after the other in memory, in work space of the caller, who may use it again.
// From and To are any integers that hold the codes.
template <class From, class To>
inline void predict(const From *input, To *output, std::size_t rows, Workspace &space) {
    for (std::size_t row = 0; row < rows; row += block_rows)
        detail::run<block_rows>(space, input + row * input_size, output + row * output_size, rows - row);
}

// The same with work space on the stack.
template <class From, class To>
inline void predict(const From *input, To *output, std::size_t rows) {
    Workspace space;
    predict(input, output, rows, space);
}

} // namespace qcompress_gold_65e2ff65a847

#endif
