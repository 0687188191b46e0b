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

// A processor that rounds several numbers at once; one that cannot adds `unit`, beyond which W has whole numbers alone.
#if defined(__SSE4_1__) || defined(__aarch64__)
constexpr bool rounds = true;
#else
constexpr bool rounds = false;
#endif

// The same for a number within a format of WIDTH bits, in what every processor does to several numbers at once.
template <int MODE, class Integer, int WIDTH, class W> inline Integer rounded_to(W scaled) {
    constexpr W unit = sizeof(W) == 4 ? W(0x1.8p23) : W(0x1.8p52);
    if constexpr (MODE == RND_CONV)
        return Integer(rounds || WIDTH > (sizeof(W) == 4 ? 22 : 51) ? std::nearbyint(scaled) : (scaled + unit) - unit);
    const Integer cut = Integer(scaled);
    const W rest = scaled - W(cut), half = W(0.5);
    if constexpr (MODE == TRN) return cut - Integer(rest < 0);
    if constexpr (MODE == TRN_ZERO) return cut;
    if constexpr (MODE == RND_ZERO) return cut + Integer(rest > half) - Integer(rest < -half);
    if constexpr (MODE == RND_INF) return cut + Integer(rest >= half) - Integer(rest <= -half);
    if constexpr (MODE == RND) return cut + Integer(rest >= half) - Integer(rest < -half);
    return cut + Integer(rest > half) - Integer(rest <= -half);
}

template <class Port, class Value>
inline std::size_t to_codes(const Value *values, typename Port::type *codes, std::size_t count) {
    using W = Work<Port, Value>;
    using Integer = std::conditional_t<(Port::width <= 30), std::int32_t, std::int64_t>;
    constexpr bool exact = Port::rounding == EXACT;
    constexpr W low = W(Port::smallest), high = W(Port::largest), scale = W(Port::scale);
    constexpr W least = Port::overflow == SAT_SYM && Port::smallest < 0 ? -high : low;
    std::conditional_t<sizeof(W) == 4, std::uint32_t, std::uint64_t> bad = 0;
    for (std::size_t i = 0; i < count; i++) {
        const W value = W(values[i]), product = value * scale;
        const bool lost = (product == 0) & (value != 0);
        if constexpr (exact) {
            const W above = product > low ? product : low, near = above < high ? above : high;
            const Integer whole = Integer(near);
            const bool good = (W(whole) == product) & !lost;
            bad += !good;
            codes[i] = typename Port::type(good ? whole : 0);
            continue;
        }
        const bool good = std::fabs(product) < W(0x1p62);
        bad += !good;
        const W moved = lost ? std::copysign(W(0.25), value) : product, scaled = good ? moved : W(0);
        if constexpr (Port::overflow == WRAP) {
            const W whole = rounded<Port::rounding>(scaled);
            const std::uint64_t kept = std::uint64_t(std::int64_t(whole)) << (64 - Port::width);
            codes[i] = typename Port::type(Port::smallest < 0 ? std::int64_t(kept) >> (64 - Port::width)
                                                              : std::int64_t(kept >> (64 - Port::width)));
        } else if constexpr (Port::overflow == SAT_ZERO) {
            const W whole = rounded<Port::rounding>(scaled);
            codes[i] = typename Port::type(Integer(((whole < low) | (whole > high)) ? W(0) : whole));
        } else { // the ends are whole numbers: what is beyond them may be cut before it is rounded
            const W above = scaled < least ? least : scaled, near = above > high ? high : above;
            codes[i] = typename Port::type(rounded_to<Port::rounding, Integer, Port::width>(near));
        }
    }
    return bad;
}

template <class Port, class Value>
inline void to_values(const typename Port::type *codes, Value *values, std::size_t count) {
    for (std::size_t i = 0; i < count; i++) values[i] = Value(Value(codes[i]) * Value(Port::scale));
}
