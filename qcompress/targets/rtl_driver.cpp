// Verilator simulation of the pipelined design: codes (rows x INPUT_SIZE, 64-bit integers) -> output codes.
// One row enters at every clock cycle; its result is read LATENCY rising edges later.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

#include DESIGN_HEADER

static_assert(INPUT_WIDTH < 64 && OUTPUT_WIDTH < 64, "elements are moved as 64-bit words");

template <int SIZE, int WIDTH> struct Port {
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

int main(int count, char **arguments) {
    if (count != 3) return std::fprintf(stderr, "usage: simulate INPUT OUTPUT\n"), 2;
    std::FILE *source = std::fopen(arguments[1], "rb"), *result = std::fopen(arguments[2], "wb");
    if (!source || !result) return std::fprintf(stderr, "cannot open the files of codes\n"), 2;

    VerilatedContext context;
    auto design = std::make_unique<DESIGN>(&context);
    static Port<INPUT_SIZE, INPUT_WIDTH> input;
    static Port<OUTPUT_SIZE, OUTPUT_WIDTH> output;
    static std::int64_t given[INPUT_SIZE], codes[OUTPUT_SIZE];
    long rows = 0, edges = 0;
    for (bool fed = true; fed || edges < rows + LATENCY - 1; edges++) {
        fed = fed && std::fread(given, sizeof given, 1, source) == 1;
        rows += fed;
        if (rows == 0) break;
        design->clk = 0;
        if (fed) input.drive(design->input_codes, given);
        design->eval();
        design->clk = 1;
        design->eval();
        long row = edges + 1 - LATENCY;
        if (row < 0 || row >= rows) continue;
        output.read(design->output_codes, codes, OUTPUT_SIGNED);
        if (std::fwrite(codes, sizeof codes, 1, result) != 1) return 1;
    }
    return std::fclose(result) != 0 || std::ferror(source) != 0;
}
