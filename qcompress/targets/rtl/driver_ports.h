// Codes, as 64-bit integers, into and out of the buses of a Verilated design.
// The build defines INPUTS(PORT) as PORT(bus, size, width) ... and OUTPUTS(PORT) as PORT(bus, size, width, is_signed) ...
#include <cstddef>
#include <cstdint>
#include <cstring>

// A bus of SIZE elements of WIDTH bits, element 0 in the lowest bits.
template <int SIZE, int WIDTH> struct Port {
    static_assert(WIDTH < 64, "elements are moved as 64-bit words");
    static constexpr std::uint64_t mask = (std::uint64_t(1) << WIDTH) - 1;
    std::uint64_t words[(std::size_t(SIZE) * WIDTH + 63) / 64 + 1];

    template <class Signal> void drive(Signal &signal, const std::int64_t *codes) {
        std::memset(words, 0, sizeof words);
        for (std::size_t i = 0; i < SIZE; i++) {
            std::size_t word = i * WIDTH / 64, bit = i * WIDTH % 64;
            std::uint64_t code = std::uint64_t(codes[i]) & mask;
            words[word] |= code << bit;
            if (bit + WIDTH > 64) words[word + 1] |= code >> (64 - bit);
        }
        static_assert(sizeof(Signal) <= sizeof words, "the port is as wide as its elements");
        std::memcpy(static_cast<void *>(&signal), words, sizeof(Signal));
    }

    template <class Signal> void read(const Signal &signal, std::int64_t *codes, bool is_signed) {
        static_assert(sizeof(Signal) <= sizeof words, "the port is as wide as its elements");
        std::memcpy(words, static_cast<const void *>(&signal), sizeof(Signal));
        for (std::size_t i = 0; i < SIZE; i++) {
            std::size_t word = i * WIDTH / 64, bit = i * WIDTH % 64;
            std::uint64_t code = words[word] >> bit;
            if (bit + WIDTH > 64) code |= words[word + 1] << (64 - bit);
            code <<= 64 - WIDTH;
            codes[i] = is_signed ? std::int64_t(code) >> (64 - WIDTH) : std::int64_t(code >> (64 - WIDTH));
        }
    }
};

#define SIZE_OF(bus, size, ...) +size
static constexpr std::size_t INPUT_SIZE = 0 INPUTS(SIZE_OF), OUTPUT_SIZE = 0 OUTPUTS(SIZE_OF);

#define DECLARE(bus, size, width, ...) Port<size, width> bus;
static struct Ports { INPUTS(DECLARE) OUTPUTS(DECLARE) } ports;

// One row: codes of all inputs, one behind the other.
template <class Design> void drive_inputs(Design &design, const std::int64_t *codes) {
#define DRIVE(bus, size, ...) ports.bus.drive(design.bus, codes), codes += size;
    INPUTS(DRIVE)
}

template <class Design> void read_outputs(const Design &design, std::int64_t *codes) {
#define READ(bus, size, width, is_signed) ports.bus.read(design.bus, codes, is_signed), codes += size;
    OUTPUTS(READ)
}
