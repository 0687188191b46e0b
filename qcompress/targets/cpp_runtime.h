// Integer kernels over LANES rows at once: arrays are [element][row], so that a row is a lane of a vector register.
// With LANES = 1 the same code is plain scalar arithmetic. No overflow: every type is wide enough by proof.

#ifndef QCOMPRESS_VECTOR_BYTES
#if defined(__AVX512BW__)
#define QCOMPRESS_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define QCOMPRESS_VECTOR_BYTES 32
#else
#define QCOMPRESS_VECTOR_BYTES 16
#endif
#endif

template <class T, int L> struct VectorOf {
    typedef T type __attribute__((vector_size(L * sizeof(T))));
};
template <class T> struct VectorOf<T, 1> {
    using type = T;
};
template <class T, int L> using Vector = typename VectorOf<T, L>::type;

template <class T> constexpr int length(int lanes) {
    constexpr int most = QCOMPRESS_VECTOR_BYTES / int(sizeof(T));
    return lanes < most ? lanes : most;
}

template <class To, int L, class From> inline Vector<To, L> convert(Vector<From, L> given) {
    if constexpr (std::is_same_v<To, From>)
        return given;
    else if constexpr (L == 1)
        return To(given);
    else
        return __builtin_convertvector(given, Vector<To, L>);
}

template <class To, int L, class From> inline Vector<To, L> load(const From *from) {
    Vector<From, L> given;
    std::memcpy(&given, from, sizeof given);
    return convert<To, L, From>(given);
}

template <class From, int L, class To> inline void store(To *to, Vector<From, L> given) {
    const Vector<To, L> result = convert<To, L, From>(given);
    std::memcpy(to, &result, sizeof result);
}

template <class V> inline V larger(V a, V b) { return a > b ? a : b; }
template <class V> inline V smaller(V a, V b) { return a < b ? a : b; }

// Where a tap of a window lies in the input; -1 in the padding or between inputs that were spread out.
constexpr int place(int position, int tap, int stride, int dilation, int before, int stuffing, int size) {
    const int at = position * stride + tap * dilation - before;
    return at < 0 || at % stuffing != 0 || at / stuffing >= size ? -1 : at / stuffing;
}

// Weights of neighbouring terms in one 32-bit integer, the first in the lower half: [term][filter].
template <class N> struct Pairs {
    static constexpr int terms = N::kernel_height * N::kernel_width * N::group_channels, size = terms * N::group_filters;
    std::int32_t of[size] = {};
    constexpr Pairs() {
        for (int i = 0; i < size; i++) {
            const int next = i + N::group_filters;
            of[i] = std::int32_t(std::uint32_t(std::uint16_t(N::weights[i])) |
                                 std::uint32_t(std::uint16_t(next < size ? N::weights[next] : 0)) << 16);
        }
    }
};
template <class N> inline constexpr Pairs<N> pairs{};

// Sums of products of 16-bit numbers in 32 bits: x86 multiplies and adds two pairs in one instruction.
#ifdef __SSE2__
inline Vector<std::int32_t, 4> dot(Vector<std::int32_t, 4> a, std::int32_t b) {
    return (Vector<std::int32_t, 4>)_mm_madd_epi16((__m128i)a, _mm_set1_epi32(b));
}
#ifdef __AVX2__
inline Vector<std::int32_t, 8> dot(Vector<std::int32_t, 8> a, std::int32_t b) {
    return (Vector<std::int32_t, 8>)_mm256_madd_epi16((__m256i)a, _mm256_set1_epi32(b));
}
#endif
#ifdef __AVX512BW__
inline Vector<std::int32_t, 16> dot(Vector<std::int32_t, 16> a, std::int32_t b) {
    return (Vector<std::int32_t, 16>)_mm512_madd_epi16((__m512i)a, _mm512_set1_epi32(b));
}
#endif
template <class N, int LANES>
constexpr bool in_pairs = std::is_same_v<typename N::In, std::int16_t> && std::is_same_v<typename N::Sum, std::int32_t> &&
                          sizeof(N::weights[0]) == 2 && N::shift == 0 && N::groups == 1 && N::dilation_x == 1 &&
                          N::stuffing_x == 1 && (LANES >= 4);
#else
template <class N, int LANES> constexpr bool in_pairs = false;
#endif

// C x S sums over `terms` inputs that lie one behind the other, as do their weights.
template <class N, int LANES, int C, int S, class V>
inline void run_of_terms(V (&sum)[C][S], const typename N::In (*from)[LANES], int lane, int first, int terms) {
    using A = typename N::Sum;
    constexpr int L = length<A>(LANES);
    int i = 0;
    if constexpr (in_pairs<N, LANES>) {
        for (; i + 1 < terms; i += 2) {
            V given[S];
            for (int s = 0; s < S; s++) {
                const auto *low = reinterpret_cast<const std::uint16_t *>(&from[i][lane + s * L]);
                given[s] = load<A, L>(low) | (load<A, L>(&from[i + 1][lane + s * L]) << 16);
            }
            const std::int32_t *weight = &pairs<N>.of[first + i * N::group_filters];
            for (int c = 0; c < C; c++)
                for (int s = 0; s < S; s++) sum[c][s] += dot(given[s], weight[c]);
        }
    }
    for (; i < terms; i++) {
        const auto *weight = &N::weights[first + i * N::group_filters];
        V given[S];
        for (int s = 0; s < S; s++) given[s] = load<A, L>(&from[i][lane + s * L]);
        for (int c = 0; c < C; c++)
            for (int s = 0; s < S; s++) {
                if constexpr (N::shift > 0)
                    sum[c][s] += (given[s] * A(weight[c])) >> N::shift;
                else
                    sum[c][s] += given[s] * A(weight[c]);
            }
    }
}

// C channels of one output position, all rows: C x S sums stay in registers while the terms stream by.
template <class N, int LANES, int C>
inline void sums(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES], int y, int x, int group, int first) {
    using A = typename N::Sum;
    constexpr int L = length<A>(LANES), S = LANES >= 2 * L ? 2 : 1;
    constexpr bool together = N::groups == 1 && N::dilation_x == 1 && N::stuffing_x == 1;
    using V = Vector<A, L>;
    const int channel = group * N::group_filters + first;
    const int start = x * N::stride_x - N::left, skipped = start < 0 ? -start : 0;
    const int taps = (start + N::kernel_width > N::width ? N::width - start : N::kernel_width) - skipped;
    for (int lane = 0; lane < LANES; lane += L * S) {
        V sum[C][S];
        for (int c = 0; c < C; c++)
            for (int s = 0; s < S; s++) sum[c][s] = V{} + A(N::gain == 1 ? N::bias[channel + c] : 0);
        for (int ky = 0; ky < N::kernel_height; ky++) {
            const int iy = place(y, ky, N::stride_y, N::dilation_y, N::top, N::stuffing_y, N::height);
            if (iy < 0) continue;
            if constexpr (together) {
                const int weight = (ky * N::kernel_width + skipped) * N::group_channels * N::group_filters + first;
                if (taps > 0)
                    run_of_terms<N, LANES, C, S>(sum, &in[(iy * N::width + start + skipped) * N::channels], lane, weight,
                                                 taps * N::channels);
            } else {
                for (int kx = 0; kx < N::kernel_width; kx++) {
                    const int ix = place(x, kx, N::stride_x, N::dilation_x, N::left, N::stuffing_x, N::width);
                    if (ix < 0) continue;
                    const int weight = ((group * N::kernel_height + ky) * N::kernel_width + kx) * N::group_channels *
                                           N::group_filters + first;
                    run_of_terms<N, LANES, C, S>(sum, &in[(iy * N::width + ix) * N::channels + group * N::group_channels],
                                                 lane, weight, N::group_channels);
                }
            }
        }
        typename N::Out(*to)[LANES] = &out[(y * N::columns + x) * N::filters + channel];
        for (int c = 0; c < C; c++)
            for (int s = 0; s < S; s++) {
                V result = sum[c][s];
                if constexpr (N::gain != 1) result = result * A(N::gain) + A(N::bias[channel + c]);
                store<A, L>(&to[c][lane + s * L], N::template finish<A, V>(result));
            }
    }
}

template <class N, int LANES> inline void linear(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    for (int y = 0; y < N::rows; y++)
        for (int x = 0; x < N::columns; x++)
            for (int group = 0; group < N::groups; group++) {
                int first = 0;
                for (; first + 8 <= N::group_filters; first += 8) sums<N, LANES, 8>(out, in, y, x, group, first);
                if constexpr ((N::group_filters & 4) != 0) sums<N, LANES, 4>(out, in, y, x, group, first), first += 4;
                if constexpr ((N::group_filters & 2) != 0) sums<N, LANES, 2>(out, in, y, x, group, first), first += 2;
                if constexpr ((N::group_filters & 1) != 0) sums<N, LANES, 1>(out, in, y, x, group, first);
            }
}

// Windows reduced channel by channel: N::reduce is the larger of two, or their sum.
template <class N, int LANES> inline void pool(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    using A = typename N::Sum;
    constexpr int L = length<A>(LANES);
    using V = Vector<A, L>;
    for (int y = 0; y < N::rows; y++)
        for (int x = 0; x < N::columns; x++)
            for (int c = 0; c < N::channels; c++)
                for (int lane = 0; lane < LANES; lane += L) {
                    V result{};
                    bool first = true;
                    for (int ky = 0; ky < N::kernel_height; ky++) {
                        const int iy = place(y, ky, N::stride_y, 1, N::top, 1, N::height);
                        if (iy < 0) continue;
                        for (int kx = 0; kx < N::kernel_width; kx++) {
                            const int ix = place(x, kx, N::stride_x, 1, N::left, 1, N::width);
                            if (ix < 0) continue;
                            const V given = load<A, L>(&in[(iy * N::width + ix) * N::channels + c][lane]);
                            result = first ? given : N::template reduce<V>(result, given);
                            first = false;
                        }
                    }
                    store<A, L>(&out[(y * N::columns + x) * N::channels + c][lane], N::template finish<A, V>(result));
                }
}

// Element by element: N::finish of what N::combine makes of the inputs.
template <class N, int LANES, class First, class... Rest>
inline void each(typename N::Out (*out)[LANES], const First (*first)[LANES], const Rest (*...rest)[LANES]) {
    using A = typename N::Sum;
    constexpr int L = length<A>(LANES);
    using V = Vector<A, L>;
    for (int i = 0; i < N::size; i++)
        for (int lane = 0; lane < LANES; lane += L)
            store<A, L>(&out[i][lane], N::template finish<A, V>(N::template combine<A, V>(
                                           load<A, L>(&first[i][lane]), load<A, L>(&rest[i][lane])...)));
}

// Elements moved: N::from says which input element stands where, -1 for a zero.
template <class N, int LANES> inline void move(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    for (int i = 0; i < N::size; i++)
        for (int lane = 0; lane < LANES; lane++)
            out[i][lane] = N::from[i] < 0 ? typename N::Out(0) : typename N::Out(in[N::from[i]][lane]);
}

// One input of a concatenation: N::to says where its elements go, N::gain aligns the binary points.
template <class N, int LANES> inline void put(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    for (int i = 0; i < N::size; i++)
        for (int lane = 0; lane < LANES; lane++)
            out[N::to[i]][lane] = typename N::Out(typename N::Out(in[i][lane]) * typename N::Out(N::gain));
}

// Table look-up, lane by lane.
template <class N, int LANES> inline void look_up(typename N::Out (*out)[LANES], const typename N::In (*in)[LANES]) {
    for (int i = 0; i < N::size; i++)
        for (int lane = 0; lane < LANES; lane++) out[i][lane] = N::table[in[i][lane] - N::smallest];
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
    constexpr int tile = LANES < 8 ? LANES : 8;
    for (int first = 0; first < LANES; first += tile) {
        const std::size_t here = rows > std::size_t(first) ? rows - first : 0;
        To near[tile][SIZE];
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
