// C simulation of an hls4ml project: codes (rows x all inputs, 64-bit integers) -> codes (rows x all outputs).
// Codes enter and leave as the bit patterns of the port types. ports.h lists the ports with the graph's formats:
// INPUTS and OUTPUTS as PORT(name, type, size, width, integer, is_signed), ARGUMENTS as the top function takes them,
// WEIGHTS (arrays that the sources expect somewhere else), and one of ARRAYS, STREAMS, STRUCTS: how codes are passed.
#include <cstdint>
#include <cstdio>
#include <string>
#include <unistd.h>

#include "ports.h"

WEIGHTS

// The bits of one number, and whether its type is the graph's format.
template <class T> struct Bits;

#ifdef AC_TYPES
template <int W, int I, bool S, ac_q_mode Q, ac_o_mode O> struct Bits<ac_fixed<W, I, S, Q, O>> {
    static constexpr bool is(int width, int integer, bool is_signed) {
        return W == width && I == integer && S == is_signed;
    }
    static void put(ac_fixed<W, I, S, Q, O> &number, std::int64_t code) { number.set_slc(0, ac_int<W, S>(code)); }
    static std::int64_t get(const ac_fixed<W, I, S, Q, O> &number) {
        return number.template slc<W>(0).to_int64();
    }
};
#else
template <class T, int W, int I, bool S> struct ApBits {
    static constexpr bool is(int width, int integer, bool is_signed) {
        return W == width && I == integer && S == is_signed;
    }
    static void put(T &number, std::int64_t code) { number.range(W - 1, 0) = ap_int<64>(code); }
    static std::int64_t get(const T &number) {
        std::uint64_t bits = T(number).range(W - 1, 0).to_uint64() << (64 - W);
        return S ? std::int64_t(bits) >> (64 - W) : std::int64_t(bits >> (64 - W));
    }
};
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N>
struct Bits<ap_fixed<W, I, Q, O, N>> : ApBits<ap_fixed<W, I, Q, O, N>, W, I, true> {};
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N>
struct Bits<ap_ufixed<W, I, Q, O, N>> : ApBits<ap_ufixed<W, I, Q, O, N>, W, I, false> {};
#endif

#ifdef STREAMS
template <class T> using Number = typename T::value_type;

template <class Stream, class Packet> void put(Stream &stream, Packet packet, const std::int64_t *codes, int size) {
    for (int i = 0; i < size; i += Packet::size) {
        for (unsigned j = 0; j < Packet::size; j++) Bits<Number<Packet>>::put(packet[j], codes[i + j]);
        stream.write(packet);
    }
}

template <class Stream, class Packet> void get(Stream &stream, Packet packet, std::int64_t *codes, int size) {
    for (int i = 0; i < size; i += Packet::size) {
        packet = stream.read();
        for (unsigned j = 0; j < Packet::size; j++) codes[i + j] = Bits<Number<Packet>>::get(packet[j]);
    }
}
#define DECLARE(name, type, size, ...) static CHANNEL<type> name;
#define PUT(name, type, size, ...) put(name, type(), given, size), given += size;
#define GET(name, type, size, ...) get(name, type(), codes, size), codes += size;
#define RUN TOP(ARGUMENTS);
#else
template <class T> using Number = T;
#define PUT(name, type, size, ...) for (int i = 0; i < size; i++) Bits<type>::put(name[i], *given++);
#define GET(name, type, size, ...) for (int i = 0; i < size; i++) *codes++ = Bits<type>::get(name[i]);
#ifdef STRUCTS
#define DECLARE(name, type, size, ...)
static input_data inputs;
static output_data outputs;
#define RUN outputs = TOP(inputs);
#else
#define DECLARE(name, type, size, ...) static type name[size];
#define RUN TOP(ARGUMENTS);
#endif
#endif

INPUTS(DECLARE)
OUTPUTS(DECLARE)

#define CHECK(name, type, size, ...) static_assert(Bits<Number<type>>::is(__VA_ARGS__), "the format is not the graph's");
INPUTS(CHECK)
OUTPUTS(CHECK)

#define SIZE(name, type, size, ...) +size
static const int input_size = 0 INPUTS(SIZE), output_size = 0 OUTPUTS(SIZE);

static void row(const std::int64_t *given, std::int64_t *codes) {
    INPUTS(PUT)
    RUN
    OUTPUTS(GET)
}

static int simulate(std::FILE *source, std::FILE *result) {
    static std::int64_t given[input_size], codes[output_size];
    while (std::fread(given, sizeof given, 1, source) == 1) {
        row(given, codes);
        if (std::fwrite(codes, sizeof codes, 1, result) != 1) return 1;
    }
    return std::ferror(source) != 0;
}

int main(int count, char **arguments) {
    if (count != 3) return std::fprintf(stderr, "usage: simulate INPUT OUTPUT\n"), 2;
    std::FILE *source = std::fopen(arguments[1], "rb"), *result = std::fopen(arguments[2], "wb");
    if (!source || !result) return std::fprintf(stderr, "cannot open the files of codes\n"), 2;
    std::string program = arguments[0]; // weights may be read from firmware/weights beside the program
    std::size_t slash = program.rfind('/');
    if (slash != std::string::npos && chdir(program.substr(0, slash).c_str()) != 0) return 2;
    int fault = simulate(source, result);
    return std::fclose(result) != 0 || fault;
}
