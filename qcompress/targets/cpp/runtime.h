// Integer kernels over LANES rows at once: arrays are [element][row], so that a row is a lane of a vector register.
// With LANES = 1 vectors go over filters, channels and elements instead. No overflow: every type is wide enough by proof.

template <class V> inline V larger(V a, V b) { return a > b ? a : b; }
template <class V> inline V smaller(V a, V b) { return a < b ? a : b; }

// Where a tap of a window lies in the input; -1 in the padding or between inputs that were spread out.
constexpr int place(int position, int tap, int stride, int dilation, int before, int stuffing, int size) {
    const int at = position * stride + tap * dilation - before;
    return at < 0 || at % stuffing != 0 || at / stuffing >= size ? -1 : at / stuffing;
}

// The product, cast to the last bit of the accumulator.
template <class N, class V> inline V product(V given, V weight) {
    if constexpr (N::shift > 0)
        return (given * weight) >> N::shift;
    else
        return given * weight;
}

// Whether pairs of terms are zipped: sums then stand in the order of `zip`.
template <class N, int LANES>
constexpr bool zipped = N::paired && LANES >= 2 * length<typename N::Sum>(LANES) &&
                        zips<length<typename N::Sum>(LANES)> && std::is_same_v<typename N::Out, std::int16_t>;
alignas(64) constexpr std::int16_t no_terms[64] = {};

// C x S sums over `terms` inputs that lie one behind the other, as do their weights.
template <class N, int LANES, int C, int S, class V>
inline void run_of_terms(V (&sum)[C][S], const typename N::In (*from)[LANES], int lane, int term, int filter,
                         int terms) {
    using A = typename N::Sum;
    constexpr int L = length<A>(LANES);
    V given[S];
    int i = 0;
    if constexpr (N::paired) {
        const auto add_pairs = [&](int term) {
            for (int c = 0; c < C; c++) {
                const V weight = V{} + weight_pairs<N, 1>(term, filter + c);
                for (int s = 0; s < S; s++) sum[c][s] = add_products<L>(sum[c][s], given[s], weight);
            }
        };
        if constexpr (zipped<N, LANES>) {
            for (; i < terms; i += 2) {
                zip<L>(&from[i][lane], i + 1 < terms ? &from[i + 1][lane] : no_terms, given);
                add_pairs(term + i);
            }
            return;
        }
        const auto low = [&](int i, int s) {
            return load<A, L>(reinterpret_cast<const std::uint16_t *>(&from[i][lane + s * L]));
        };
        for (; i + 1 < terms; i += 2) {
            for (int s = 0; s < S; s++) given[s] = low(i, s) | (low(i + 1, s) << 16);
            add_pairs(term + i);
        }
        if (i < terms) {
            for (int s = 0; s < S; s++) given[s] = low(i, s);
            add_pairs(term + i);
        }
    } else {
        for (; i < terms; i++) {
            const auto *weight = &N::weights[(term + i) * N::group_filters + filter];
            for (int s = 0; s < S; s++) given[s] = load<A, L>(&from[i][lane + s * L]);
            for (int c = 0; c < C; c++)
                for (int s = 0; s < S; s++) sum[c][s] += product<N, V>(given[s], V{} + A(weight[c]));
        }
    }
}

// Taps of a row of the window whose inputs, in a row of the image, lie one behind the other.
template <class N> constexpr bool together = N::groups == 1 && N::dilation_x == 1 && N::stuffing_x == 1;
// Every channel by itself: weights are [tap][channel].
template <class N> constexpr bool by_channel = N::groups > 1 && N::group_channels == 1 && N::group_filters == 1;

template <class N> constexpr int first_term(int group, int ky, int kx) {
    const int tap = ky * N::kernel_width + kx;
    if constexpr (by_channel<N>) return tap * N::groups + group;
    return (group * N::kernel_height * N::kernel_width + tap) * N::group_channels;
}

// Calls f(input place, first term, terms) for every run of terms that a window at (y, x) sees.
template <class N, class F> inline void each_run(int y, int x, int group, F f) {
    const int start = x * N::stride_x - N::left, skipped = start < 0 ? -start : 0;
    const int taps = (start + N::kernel_width > N::width ? N::width - start : N::kernel_width) - skipped;
    for (int ky = 0; ky < N::kernel_height; ky++) {
        const int iy = place(y, ky, N::stride_y, N::dilation_y, N::top, N::stuffing_y, N::height);
        if (iy < 0) continue;
        if constexpr (together<N>) {
            if (taps > 0)
                f((iy * N::width + start + skipped) * N::channels, first_term<N>(0, ky, skipped), taps * N::channels);
        } else {
            for (int kx = 0; kx < N::kernel_width; kx++) {
                const int ix = place(x, kx, N::stride_x, N::dilation_x, N::left, N::stuffing_x, N::width);
                if (ix >= 0)
                    f((iy * N::width + ix) * N::channels + group * N::group_channels, first_term<N>(group, ky, kx),
                      N::group_channels);
            }
        }
    }
}

template <class N, class V> inline V finished(V sum, V bias) {
    using A = typename N::Sum;
    if constexpr (N::gain != 1) sum = sum * A(N::gain) + bias;
    return N::template finish<A, V>(sum);
}

// C channels of one output position, all rows: C x S sums stay in registers while the terms stream by.
template <class N, int LANES, int C>
inline void sums(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES], int y, int x, int group, int first) {
    using A = typename N::Sum;
    constexpr int L = length<A>(LANES), S = LANES >= 2 * L ? 2 : 1;
    using V = Vector<A, L>;
    const int channel = group * N::group_filters + first;
    typename N::Out(*to)[LANES] = &out[(y * N::columns + x) * N::filters + channel];
    for (int lane = 0; lane < LANES; lane += L * S) {
        V sum[C][S];
        for (int c = 0; c < C; c++)
            for (int s = 0; s < S; s++) sum[c][s] = V{} + A(N::gain == 1 ? N::bias[channel + c] : 0);
        each_run<N>(y, x, group, [&](int from, int term, int terms) {
            run_of_terms<N, LANES, C, S>(sum, &in[from], lane, term, first, terms);
        });
        for (int c = 0; c < C; c++) {
            const V bias = V{} + A(N::bias[channel + c]);
            if constexpr (zipped<N, LANES>)
                unzipped<L>(finished<N, V>(sum[c][0], bias), finished<N, V>(sum[c][1], bias), &to[c][lane]);
            else
                for (int s = 0; s < S; s++) store<A, L>(&to[c][lane + s * L], finished<N, V>(sum[c][s], bias));
        }
    }
}

// One row at a time: P neighbouring positions of F x L filters, which lie in the lanes of vectors.
template <class N, int L, int F, int P>
inline void wide_run(Vector<typename N::Sum, L> (&sum)[P][F], const typename N::In *from, int term, int filter,
                     int terms) {
    using A = typename N::Sum;
    using V = Vector<A, L>;
    constexpr int next = N::advance * N::channels;
    V weight[F];
    int i = 0;
    if constexpr (N::paired) {
        for (; i + 1 < terms; i += 2) {
            for (int f = 0; f < F; f++) weight[f] = weight_pairs<N, L>(term + i, filter + f * L);
            for (int p = 0; p < P; p++) {
                std::int32_t two;
                std::memcpy(&two, from + p * next + i, sizeof two);
                for (int f = 0; f < F; f++) sum[p][f] = add_products<L>(sum[p][f], V{} + two, weight[f]);
            }
        }
        if (i < terms) {
            for (int f = 0; f < F; f++) weight[f] = weight_pairs<N, L>(term + i, filter + f * L);
            for (int p = 0; p < P; p++)
                for (int f = 0; f < F; f++)
                    sum[p][f] = add_products<L>(sum[p][f], V{} + A(std::uint16_t(from[p * next + i])), weight[f]);
        }
    } else {
        for (; i < terms; i++) {
            for (int f = 0; f < F; f++)
                weight[f] = load<A, L>(&N::weights[(term + i) * N::group_filters + filter + f * L]);
            for (int p = 0; p < P; p++)
                for (int f = 0; f < F; f++) sum[p][f] += product<N, V>(V{} + A(from[p * next + i]), weight[f]);
        }
    }
}

template <class N, int L, int F, int P>
inline void wide_sums(typename N::Out *out, const typename N::In *in, int y, int x, int group, int first) {
    using A = typename N::Sum;
    using V = Vector<A, L>;
    const int channel = group * N::group_filters + first;
    V bias[F], sum[P][F];
    for (int f = 0; f < F; f++) bias[f] = load<A, L>(&N::bias[channel + f * L]);
    for (int p = 0; p < P; p++)
        for (int f = 0; f < F; f++) sum[p][f] = N::gain == 1 ? bias[f] : V{};
    each_run<N>(y, x, group, [&](int from, int term, int terms) {
        wide_run<N, L, F, P>(sum, in + from, term, first, terms);
    });
    for (int p = 0; p < P; p++)
        for (int f = 0; f < F; f++)
            store<A, L>(&out[(y * N::columns + x + p * N::step) * N::filters + channel + f * L],
                        finished<N, V>(sum[p][f], bias[f]));
}

// Whether the windows of P positions from x on hold no padding.
template <class N> constexpr bool whole(int x, int positions) {
    const int last = x + (positions - 1) * N::step;
    return x * N::stride_x >= N::left && last < N::columns &&
           last * N::stride_x + (N::kernel_width - 1) * N::dilation_x - N::left <= (N::width - 1) * N::stuffing_x;
}

// As many positions at once, up to P, as see whole windows; then the next ones.
template <class N, int L, int F, int P>
inline int wide_next(typename N::Out *out, const typename N::In *in, int y, int x, int group, int first) {
    if constexpr (P > 1) {
        if (N::columns < P * N::step || !whole<N>(x, P))
            return wide_next<N, L, F, (P > 4 ? P / 2 : 1)>(out, in, y, x, group, first);
    }
    wide_sums<N, L, F, P>(out, in, y, x, group, first);
    return x + P * N::step;
}

template <class N, int L, int F>
inline void wide_row(typename N::Out *out, const typename N::In *in, int y, int group, int first) {
    constexpr int most = QCOMPRESS_VECTOR_BYTES == 64 ? 8 : 4, P = N::columns >= most * N::step ? most : 1;
    for (int phase = 0; phase < N::step; phase++)
        for (int x = phase; x < N::columns;) x = wide_next<N, L, F, P>(out, in, y, x, group, first);
}

// All filters of a group from `first` on; less than 2 L of them where L is not the longest vector.
template <class N, int L>
inline void wide_filters(typename N::Out *out, const typename N::In *in, int y, int group, int first) {
    if constexpr (L == length<typename N::Sum>(64) && N::group_filters >= 2 * L)
        for (; first + 2 * L <= N::group_filters; first += 2 * L) wide_row<N, L, 2>(out, in, y, group, first);
    if constexpr ((N::group_filters & L) != 0) wide_row<N, L, 1>(out, in, y, group, first), first += L;
    if constexpr (L > 1) wide_filters<N, L / 2>(out, in, y, group, first);
}

// L channels, each by itself, at one position.
template <class N, int L>
inline void channel_sums(typename N::Out *out, const typename N::In *in, int y, int x, int channel) {
    using A = typename N::Sum;
    using V = Vector<A, L>;
    const V bias = load<A, L>(&N::bias[channel]);
    V sum = N::gain == 1 ? bias : V{};
    each_run<N>(y, x, channel, [&](int from, int term, int) {
        sum += product<N, V>(load<A, L>(in + from), load<A, L>(&N::weights[term]));
    });
    store<A, L>(&out[(y * N::columns + x) * N::filters + channel], finished<N, V>(sum, bias));
}

template <class N> inline void wide(typename N::Out *out, const typename N::In *in) {
    constexpr int L = length<typename N::Sum>(64);
    for (int y = 0; y < N::rows; y++) {
        if constexpr (by_channel<N>) {
            for (int x = 0; x < N::columns; x++) {
                int channel = 0;
                if constexpr (N::groups >= L)
                    for (; channel + L <= N::groups; channel += L) channel_sums<N, L>(out, in, y, x, channel);
                for (; channel < N::groups; channel++) channel_sums<N, 1>(out, in, y, x, channel);
            }
        } else {
            for (int group = 0; group < N::groups; group++) wide_filters<N, L>(out, in, y, group, 0);
        }
    }
}

template <class N, int LANES> inline void linear(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    if constexpr (LANES == 1) return wide<N>(*out, *in);
    for (int y = 0; y < N::rows; y++)
        for (int x = 0; x < N::columns; x++)
            for (int group = 0; group < N::groups; group++) {
                int first = 0;
                if constexpr (N::group_filters >= 8)
                    for (; first + 8 <= N::group_filters; first += 8) sums<N, LANES, 8>(out, in, y, x, group, first);
                if constexpr ((N::group_filters & 4) != 0) sums<N, LANES, 4>(out, in, y, x, group, first), first += 4;
                if constexpr ((N::group_filters & 2) != 0) sums<N, LANES, 2>(out, in, y, x, group, first), first += 2;
                if constexpr ((N::group_filters & 1) != 0) sums<N, LANES, 1>(out, in, y, x, group, first);
            }
}

// L lanes of one window, `lane` counted over the channels and rows of a position.
template <class N, int LANES, int L>
inline void window(typename N::Out *out, const typename N::In *in, int y, int x, int lane) {
    using A = typename N::Sum;
    using V = Vector<A, L>;
    V result{};
    bool first = true;
    for (int ky = 0; ky < N::kernel_height; ky++) {
        const int iy = place(y, ky, N::stride_y, 1, N::top, 1, N::height);
        if (iy < 0) continue;
        for (int kx = 0; kx < N::kernel_width; kx++) {
            const int ix = place(x, kx, N::stride_x, 1, N::left, 1, N::width);
            if (ix < 0) continue;
            const V given = load<A, L>(in + (iy * N::width + ix) * N::channels * LANES + lane);
            result = first ? given : N::template reduce<V>(result, given);
            first = false;
        }
    }
    store<A, L>(out + (y * N::columns + x) * N::channels * LANES + lane, N::template finish<A, V>(result));
}

// Windows reduced channel by channel: N::reduce is the larger of two, or their sum.
template <class N, int LANES> inline void pool(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    constexpr int L = length<typename N::Sum>(64), size = N::channels * LANES;
    for (int y = 0; y < N::rows; y++)
        for (int x = 0; x < N::columns; x++) {
            int lane = 0;
            if constexpr (size >= L)
                for (; lane + L <= size; lane += L) window<N, LANES, L>(*out, *in, y, x, lane);
            for (; lane < size; lane++) window<N, LANES, 1>(*out, *in, y, x, lane);
        }
}

template <class N, int L, class... Given> inline void each_lane(typename N::Out *out, const Given *...given) {
    using A = typename N::Sum;
    using V = Vector<A, L>;
    store<A, L>(out, N::template finish<A, V>(N::template combine<A, V>(load<A, L>(given)...)));
}

// Element by element: N::finish of what N::combine makes of the inputs.
template <class N, int LANES, class... Given>
inline void each(typename N::Out (*out)[LANES], const Given (*...given)[LANES]) {
    constexpr int L = length<typename N::Sum>(64), size = N::size * LANES;
    int i = 0;
    if constexpr (size >= L)
        for (; i + L <= size; i += L) each_lane<N, L>(*out + i, (*given + i)...);
    for (; i < size; i++) each_lane<N, 1>(*out + i, (*given + i)...);
}

// Elements moved, axis by axis: N::offsets holds, of every place along every axis of the output, how far it moves
// the place in the input, -1 for a zero; the last N::run elements lie one behind the other.
template <class N, int LANES, int AXIS = 0, int FIRST = 0>
inline void move_axis(typename N::Out *out, const typename N::In *in, int place) {
    using Out = typename N::Out;
    if constexpr (AXIS == N::axes) {
        const typename N::In *from = in + (place < 0 ? 0 : place * LANES);
        for (int i = 0; i < N::run * LANES; i++) out[i] = place < 0 ? Out(0) : Out(from[i]);
    } else {
        for (int i = 0; i < N::shape[AXIS]; i++) {
            const int offset = N::offsets[FIRST + i], here = place < 0 || offset < 0 ? -1 : place + offset;
            move_axis<N, LANES, AXIS + 1, FIRST + N::shape[AXIS]>(out + i * N::below[AXIS] * LANES, in, here);
        }
    }
}

template <class N, int LANES> inline void move(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    move_axis<N, LANES>(*out, *in, 0);
}

// One input of a concatenation: pieces of N::piece elements go N::distance apart, N::gain aligns the binary points.
template <class N, int LANES> inline void put(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    using Out = typename N::Out;
    for (int piece = 0; piece < N::pieces; piece++) {
        Out *to = out[N::first + piece * N::distance];
        const typename N::In *from = in[piece * N::piece];
        for (int i = 0; i < N::piece * LANES; i++) to[i] = Out(Out(from[i]) * Out(N::gain));
    }
}

// Table look-up, lane by lane.
template <class N, int LANES> inline void look_up(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    for (int i = 0; i < N::size; i++)
        for (int lane = 0; lane < LANES; lane++) out[i][lane] = N::table[in[i][lane] - N::smallest];
}

// Every element cast to a number format of its own: N::kind says, element by element, which constants are N::cast's.
template <class N, int LANES> inline void cast_each(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    using A = typename N::Sum;
    constexpr int L = length<A>(LANES);
    for (int i = 0; i < N::size; i++) {
        const int kind = N::kind[i % N::period];
        for (int lane = 0; lane < LANES; lane += L)
            store<A, L>(&out[i][lane], N::template cast<A, Vector<A, L>>(load<A, L>(&in[i][lane]), kind));
    }
}

// A look-up of every element in a table of its own: the place is in the bits of N::mask from bit N::drop on.
template <class N, int LANES> inline void look_up_each(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    for (int i = 0; i < N::size; i++) {
        const int kind = N::kind[i % N::period], drop = N::drop[kind], mask = N::mask[kind];
        const auto *table = &N::entries[N::start[kind]];
        for (int lane = 0; lane < LANES; lane++) out[i][lane] = table[int(std::int64_t(in[i][lane]) >> drop) & mask];
    }
}

// Index of the largest, the first of equal ones.
template <class N, int LANES> inline void arg_max(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    for (int i = 0; i < N::size; i++)
        for (int lane = 0; lane < LANES; lane++) {
            int best = 0;
            for (int c = 1; c < N::classes; c++)
                if (in[i * N::classes + c][lane] > in[i * N::classes + best][lane]) best = c;
            out[i][lane] = typename N::Out(best);
        }
}

// Rows to lanes and back, eight rows at a time. Rows beyond `rows` are zeros.
template <int SIZE, int LANES, class From, class To> inline void spread(const From *from, std::size_t rows, To (*to)[LANES]) {
    if constexpr (LANES == 1) {
        for (int i = 0; i < SIZE; i++) to[i][0] = To(from[i]);
        return;
    }
    constexpr int tile = LANES < 8 ? LANES : 8;
    for (int first = 0; first < LANES; first += tile) {
        const std::size_t here = rows > std::size_t(first) ? rows - first : 0;
        if constexpr (tile == 8 && SIZE >= 8 && std::is_same_v<To, std::int16_t>) {
            for (int i = 0; i < SIZE; i += 8) {
                const int place = i + 8 <= SIZE ? i : SIZE - 8;  // the last eight overlap
                Vector<To, 8> near[8];
                for (int lane = 0; lane < 8; lane++)
                    near[lane] = std::size_t(lane) < here
                                     ? load<To, 8>(from + std::size_t(first + lane) * SIZE + place) : Vector<To, 8>{};
                turn(near);
                for (int k = 0; k < 8; k++) store<To, 8>(to[place + k] + first, near[k]);
            }
            continue;
        }
        To near[tile][LANES == 1 ? 1 : SIZE];
        for (int lane = 0; lane < tile; lane++)
            for (int i = 0; i < SIZE; i++)
                near[lane][i] = std::size_t(lane) < here ? To(from[std::size_t(first + lane) * SIZE + i]) : To(0);
        for (int i = 0; i < SIZE; i++)
            for (int lane = 0; lane < tile; lane++) to[i][first + lane] = near[lane][i];
    }
}

template <int SIZE, int LANES, class From, class To> inline void collect(const From (*from)[LANES], std::size_t rows, To *to) {
    for (std::size_t lane = 0; lane < (rows < LANES ? rows : LANES); lane++)
        for (int i = 0; i < SIZE; i++) to[lane * SIZE + i] = To(from[i][lane]);
}

// Constants of L neighbouring channels, or one for all lanes.
template <int L, bool SIDE_BY_SIDE, class A> inline Vector<A, L> of_channels(const A *from) {
    if constexpr (SIDE_BY_SIDE)
        return load<A, L>(from);
    else
        return Vector<A, L>{} + *from;
}

// L lanes of thresholds, all compared: what the code rises by at each that is reached.
template <class N, int L, bool SIDE_BY_SIDE>
inline void climb_lanes(typename N::Out *out, const typename N::In *in, int channel) {
    using A = typename N::Sum;
    using V = Vector<A, L>;
    const V given = load<A, L>(in);
    V result = of_channels<L, SIDE_BY_SIDE>(&N::first[channel]);
    for (int step = 0; step < N::steps; step++) {
        const int at = step * N::channels + channel;
        const V threshold = of_channels<L, SIDE_BY_SIDE>(&N::threshold[at]);
        const V rise = of_channels<L, SIDE_BY_SIDE>(&N::rise[at]);
        result += given >= threshold ? rise : V{};
    }
    store<A, L>(out, result);
}

// Few thresholds. With one row lanes are channels, or elements where all channels are alike.
template <class N, int LANES> inline void climb(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    constexpr int most = length<typename N::Sum>(64);
    if constexpr (N::channels == 1) {
        constexpr int size = N::size * LANES;
        int i = 0;
        if constexpr (size >= most)
            for (; i + most <= size; i += most) climb_lanes<N, most, false>(*out + i, *in + i, 0);
        for (; i < size; i++) climb_lanes<N, 1, false>(*out + i, *in + i, 0);
    } else if constexpr (LANES == 1) {
        for (int from = 0; from < N::size; from += N::channels) {
            int channel = 0;
            if constexpr (N::channels >= most)
                for (; channel + most <= N::channels; channel += most)
                    climb_lanes<N, most, true>(*out + from + channel, *in + from + channel, channel);
            for (; channel < N::channels; channel++)
                climb_lanes<N, 1, true>(*out + from + channel, *in + from + channel, channel);
        }
    } else {
        constexpr int L = length<typename N::Sum>(LANES);
        for (int i = 0; i < N::size; i++)
            for (int lane = 0; lane < LANES; lane += L)
                climb_lanes<N, L, false>(out[i] + lane, in[i] + lane, i % N::channels);
    }
}

// Many thresholds: halves are left out, without a branch.
template <class N, int LANES> inline void search(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    using A = typename N::Sum;
    for (int i = 0; i < N::size; i++) {
        const int channel = i % N::channels;
        const A *row = &N::threshold[channel * N::row];
        for (int lane = 0; lane < LANES; lane++) {
            const A given = A(in[i][lane]);
            int place = 0;
            for (int half = N::half; half > 0; half /= 2) place += row[place + half - 1] <= given ? half : 0;
            out[i][lane] = typename N::Out(N::code[channel * N::codes + place]);
        }
    }
}
