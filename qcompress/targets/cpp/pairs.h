// Vectors of lanes, products of 16-bit numbers two at once, and rows that become lanes.

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

// Two neighbouring 16-bit terms lie in one 32-bit integer, the first in the lower half: sum + the products of both.
template <int L>
inline Vector<std::int32_t, L> add_products(Vector<std::int32_t, L> sum, Vector<std::int32_t, L> a,
                                            Vector<std::int32_t, L> b) {
    using V = Vector<std::int32_t, L>;
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__)
    if constexpr (L == 16) return (V)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
    if constexpr (L == 8) return (V)_mm256_dpwssd_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
    if constexpr (L == 4) return (V)_mm_dpwssd_epi32((__m128i)sum, (__m128i)a, (__m128i)b);
#else
#ifdef __AVX512BW__
    if constexpr (L == 16) return sum + (V)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#endif
#ifdef __AVX2__
    if constexpr (L == 8) return sum + (V)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#endif
#ifdef __SSE2__
    if constexpr (L == 4) return sum + (V)_mm_madd_epi16((__m128i)a, (__m128i)b);
#endif
#endif
    using U = Vector<std::uint32_t, L>;
    const V low_a = V(U(a) << 16) >> 16, low_b = V(U(b) << 16) >> 16;
    return sum + low_a * low_b + (a >> 16) * (b >> 16);
}

// Weights of neighbouring terms in one 32-bit integer, where the header does not hold them side by side already.
template <class N> struct Pairs {
    static constexpr int size = N::groups * N::kernel_height * N::kernel_width * N::group_channels * N::group_filters;
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

// Weights of terms `term` and `term + 1`, of L filters.
template <class N, int L> inline Vector<std::int32_t, L> weight_pairs(int term, int filter) {
    Vector<std::int32_t, L> result;
    if constexpr (N::interleaved)
        std::memcpy(&result, &N::weights[term * N::group_filters + 2 * filter], sizeof result);
    else
        std::memcpy(&result, &pairs<N>.of[term * N::group_filters + filter], sizeof result);
    return result;
}

// Bytes of the vector registers that `zip` fills; 0: there is no such instruction.
#ifndef QCOMPRESS_ZIP_BYTES
#if defined(__AVX512BW__)
#define QCOMPRESS_ZIP_BYTES 64
#elif defined(__AVX2__)
#define QCOMPRESS_ZIP_BYTES 32
#elif defined(__SSE2__)
#define QCOMPRESS_ZIP_BYTES 16
#else
#define QCOMPRESS_ZIP_BYTES 0
#endif
#endif
template <int L> constexpr bool zips = 4 * L == QCOMPRESS_ZIP_BYTES;

// 2 L lanes of two terms, side by side in 32-bit integers as add_products wants them. In every 128 bits the lower half
// of the lanes goes to[0], the upper one to[1]: sums stand in that order until `unzipped`.
template <int L> inline void zip(const std::int16_t *first, const std::int16_t *second, Vector<std::int32_t, L> (&to)[2]) {
    using V = Vector<std::int32_t, L>;
    V a, b;
    std::memcpy(&a, first, sizeof a);
    std::memcpy(&b, second, sizeof b);
#if QCOMPRESS_ZIP_BYTES == 64
    to[0] = (V)_mm512_unpacklo_epi16((__m512i)a, (__m512i)b), to[1] = (V)_mm512_unpackhi_epi16((__m512i)a, (__m512i)b);
#elif QCOMPRESS_ZIP_BYTES == 32
    to[0] = (V)_mm256_unpacklo_epi16((__m256i)a, (__m256i)b), to[1] = (V)_mm256_unpackhi_epi16((__m256i)a, (__m256i)b);
#elif QCOMPRESS_ZIP_BYTES == 16
    to[0] = (V)_mm_unpacklo_epi16((__m128i)a, (__m128i)b), to[1] = (V)_mm_unpackhi_epi16((__m128i)a, (__m128i)b);
#endif
}

// The lanes of `zip`, each of 16 bits by proof, in their places.
template <int L> inline void unzipped(Vector<std::int32_t, L> low, Vector<std::int32_t, L> high, std::int16_t *to) {
#if QCOMPRESS_ZIP_BYTES == 64
    const __m512i result = _mm512_packs_epi32((__m512i)low, (__m512i)high);
#elif QCOMPRESS_ZIP_BYTES == 32
    const __m256i result = _mm256_packs_epi32((__m256i)low, (__m256i)high);
#elif QCOMPRESS_ZIP_BYTES == 16
    const __m128i result = _mm_packs_epi32((__m128i)low, (__m128i)high);
#else
    const Vector<std::int32_t, L> result = low + high;
#endif
    std::memcpy(to, &result, sizeof result);
}

// Rows of eight 16-bit numbers and columns change places.
inline void turn(Vector<std::int16_t, 8> (&rows)[8]) {
#if QCOMPRESS_ZIP_BYTES >= 16
    __m128i a[8], b[8];
    for (int i = 0; i < 4; i++) {
        const __m128i upper = (__m128i)rows[i], lower = (__m128i)rows[i + 4];
        a[2 * i] = _mm_unpacklo_epi16(upper, lower), a[2 * i + 1] = _mm_unpackhi_epi16(upper, lower);
    }
    for (int i = 0; i < 4; i++)
        b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]), b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
    for (int i = 0; i < 4; i++) {
        rows[2 * i] = (Vector<std::int16_t, 8>)_mm_unpacklo_epi16(b[i], b[i + 4]);
        rows[2 * i + 1] = (Vector<std::int16_t, 8>)_mm_unpackhi_epi16(b[i], b[i + 4]);
    }
#else
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < i; j++) {
            const std::int16_t held = rows[i][j];
            rows[i][j] = rows[j][i], rows[j][i] = held;
        }
#endif
}
