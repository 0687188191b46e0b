// Verilator simulation of a design with loadable weights. The input is a row of 64-bit words:
//   0, BLOCKS x BLOCK_WORDS words   load all blocks, one a clock cycle, after every row under way has come out
//   1, n, n x INPUT_SIZE codes      n rows, as fast as the interval allows
//   2, n                            n clock cycles without input
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

#include DESIGN_HEADER
#include "driver_ports.h"

static std::FILE *source, *result;
static long pending = 0, clocks = 0;

template <class Signal> void copy_in(Signal &signal, const std::uint64_t *words) {
    std::memcpy(static_cast<void *>(&signal), words, sizeof(Signal));
}

static bool read_words(std::uint64_t *words, std::size_t count) {
    return std::fread(words, 8, count, source) == count;
}

struct Bench {
    VerilatedContext context;
    DESIGN design{&context};
    std::int64_t given[INPUT_SIZE], found[OUTPUT_SIZE];

    void clock() {
        design.clk = 0;
        design.eval();
        design.clk = 1;
        design.eval();
        clocks++;
        if (design.output_valid) collect();
    }

    void collect() {
        read_outputs(design, found);
        std::fwrite(found, sizeof found, 1, result);
        pending--;
    }

    bool drain() {
        for (long waited = 0; pending > 0; waited++) {
            if (waited > 4 * (LATENCY + INTERVAL)) return false;
            clock();
        }
        return true;
    }

    bool load() {
        std::uint64_t words[BLOCK_WORDS + 1] = {};
        for (int block = 0; block < BLOCKS; block++) {
            if (!read_words(words, BLOCK_WORDS)) return false;
            design.load_enable = 1;
            design.load_address = block;
            copy_in(design.load_data, words);
            clock();
        }
        design.load_enable = 0;
        return true;
    }

    bool row() {
        if (!read_words(reinterpret_cast<std::uint64_t *>(given), INPUT_SIZE)) return false;
        drive_inputs(design, given);
        design.input_valid = 1;
        pending++;
        clock();
        design.input_valid = 0;
        while (!design.input_ready) clock();
        return true;
    }
};

int main(int count, char **arguments) {
    if (count != 3) return std::fprintf(stderr, "usage: simulate INPUT OUTPUT\n"), 2;
    source = std::fopen(arguments[1], "rb"), result = std::fopen(arguments[2], "wb");
    if (!source || !result) return std::fprintf(stderr, "cannot open the files of codes\n"), 2;
    auto bench = std::make_unique<Bench>();
    std::uint64_t command, number = 0;
    bool good = true;
    bench->design.reset = 1;
    bench->clock();
    bench->design.reset = 0;
    while (good && read_words(&command, 1)) {
        if (command == 0) good = bench->drain() && bench->load();
        if (command != 0) good = read_words(&number, 1);
        if (command == 1) for (; good && number; number--) good = bench->row();
        if (command == 2) for (; number; number--) bench->clock();
    }
    good = good && bench->drain();
    if (!good) std::fprintf(stderr, "the commands end early, or a result did not come\n");
    std::fprintf(stderr, "%ld clock cycles\n", clocks);
    return std::fclose(result) != 0 || !good;
}
