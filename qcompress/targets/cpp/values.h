// Real values to codes and back, in blocks that a compiler turns into vector instructions. A code is counted as bad if
// the value is not finite, too large for the format's arithmetic or, without a cast, not on the grid or out of range.

enum Rounding { EXACT, TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV };
enum Overflow { WRAP, SAT, SAT_SYM, SAT_ZERO };

// float is enough for values of type float where every code of the format is a float.
template <class Port, class Value>
using Work = std::conditional_t<std::is_same_v<Value, float> && Port::width <= 24, float, double>;

// The multiple of 1 that a number is rounded to. Its distance to the next one towards zero is exact, that to the one
// below it is not.
template <int MODE, class W> inline W rounded(W scaled) {
    if constexpr (MODE == TRN) return std::floor(scaled);
    if constexpr (MODE == RND_CONV) return std::nearbyint(scaled);
    const W whole = std::trunc(scaled), part = std::fabs(scaled - whole), step = scaled < 0 ? W(-1) : W(1);
    if constexpr (MODE == TRN_ZERO) return whole;
    if constexpr (MODE == RND_ZERO) return part > W(0.5) ? whole + step : whole;
    if constexpr (MODE == RND_INF) return part >= W(0.5) ? whole + step : whole;
    const bool ties_move = MODE == RND ? scaled >= 0 : scaled < 0;
    return part > W(0.5) || (part == W(0.5) && ties_move) ? whole + step : whole;
}

template <class Port, class Value>
inline std::size_t to_codes(const Value *values, typename Port::type *codes, std::size_t count) {
    using W = Work<Port, Value>;
    using Integer = std::conditional_t<(Port::width <= 30), std::int32_t, std::int64_t>;
    constexpr W scale = W(Port::scale), low = W(Port::smallest), high = W(Port::largest);
    std::size_t bad = 0;
    for (std::size_t i = 0; i < count; i++) {
        const W value = W(values[i]);
        W scaled = value * scale;
        if constexpr (Port::rounding == EXACT) {
            const bool good = scaled >= low && scaled <= high && scaled == std::floor(scaled) &&
                              (scaled != 0 || value == 0);
            bad += !good;
            codes[i] = typename Port::type(Integer(good ? scaled : W(0)));
        } else {
            const bool good = std::fabs(scaled) < W(0x1p62);
            bad += !good;
            if (scaled == 0 && value != 0) scaled = std::copysign(W(0.25), value);
            const W whole = rounded<Port::rounding>(good ? scaled : W(0));
            if constexpr (Port::overflow == WRAP) {
                const std::uint64_t kept = std::uint64_t(std::int64_t(whole)) << (64 - Port::width);
                codes[i] = typename Port::type(Port::smallest < 0 ? std::int64_t(kept) >> (64 - Port::width)
                                                                  : std::int64_t(kept >> (64 - Port::width)));
            } else if constexpr (Port::overflow == SAT_ZERO) {
                codes[i] = typename Port::type(Integer(whole < low || whole > high ? W(0) : whole));
            } else {
                constexpr W least = Port::overflow == SAT_SYM && Port::smallest < 0 ? -high : low;
                const W above = whole < least ? least : whole;
                codes[i] = typename Port::type(Integer(above > high ? high : above));
            }
        }
    }
    return bad;
}

template <class Port, class Value>
inline void to_values(const typename Port::type *codes, Value *values, std::size_t count) {
    for (std::size_t i = 0; i < count; i++) values[i] = Value(Value(codes[i]) * Value(Port::scale));
}
