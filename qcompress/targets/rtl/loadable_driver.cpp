// Verilator simulation of a design with loadable weights. The input is a row of 64-bit words:
//   0, BLOCKS x BLOCK_WORDS words   load all blocks, one a clock cycle, after every row under way has come out
//   1, n, n x INPUT_SIZE codes      n rows, as fast as the interval allows
//   2, n                            n clock cycles without input
//   3, load, run                    bank of weights that is loaded from now on, and bank that rows take
//   4, n, blocks as of 0, rows as of 1, in the order of which both are there: n rows with pauses, and beside them, as
//                                   soon as no row of the bank that is loaded is under way, the blocks with pauses
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <queue>
#include <vector>

#include DESIGN_HEADER
#include "driver_ports.h"

static std::FILE *source, *result;
static long clocks = 0;

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
    std::queue<std::uint64_t> pending; // the bank of every row under way
    long under_way[2] = {};
    std::uint64_t banks[2] = {}, noise = 88172645463325252;

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
        if (pending.empty()) return;
        under_way[pending.front()]--;
        pending.pop();
    }

    bool pause() {
        noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
        return noise % 4 == 0;
    }

    bool drain() {
        for (long waited = 0; !pending.empty(); waited++) {
            if (waited > 4 * (LATENCY + INTERVAL)) return false;
            clock();
        }
        return true;
    }

    bool load() {
        std::uint64_t words[BLOCK_WORDS + 1] = {};
        for (int block = 0; block < BLOCKS; block++) {
            if (!read_words(words, BLOCK_WORDS)) return false;
            block_in(block, words);
            clock();
        }
        design.load_enable = 0;
        return true;
    }

    void block_in(int block, const std::uint64_t *words) {
        design.load_enable = 1;
        design.load_address = block;
        copy_in(design.load_data, words);
    }

    void row_in(const std::int64_t *codes) {
        drive_inputs(design, codes);
        design.input_valid = 1;
        pending.push(banks[1]);
        under_way[banks[1]]++;
    }

    bool choose_banks() {
        if (!read_words(banks, 2)) return false;
#if BANKS > 1
        design.load_bank = banks[0], design.input_bank = banks[1];
#endif
        return banks[0] < BANKS && banks[1] < BANKS;
    }

    bool load_beside(std::uint64_t rows) {
        std::vector<std::uint64_t> blocks(BLOCKS * BLOCK_WORDS + 1);
        std::vector<std::int64_t> codes(rows * INPUT_SIZE);
        if (!read_words(blocks.data(), BLOCKS * BLOCK_WORDS)) return false;
        if (!read_words(reinterpret_cast<std::uint64_t *>(codes.data()), codes.size())) return false;
        std::uint64_t row = 0, block = 0;
        while (row < rows || block < BLOCKS) {
            if (row < rows && design.input_ready && !pause()) row_in(&codes[row++ * INPUT_SIZE]);
            if (block < BLOCKS && !under_way[banks[0]] && !pause()) block_in(block, &blocks[block * BLOCK_WORDS]), block++;
            clock();
            design.input_valid = 0, design.load_enable = 0;
        }
        while (!design.input_ready) clock();
        return true;
    }

    bool row() {
        if (!read_words(reinterpret_cast<std::uint64_t *>(given), INPUT_SIZE)) return false;
        row_in(given);
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
        if (command == 3) good = bench->choose_banks();
        if (command == 1 || command == 2 || command == 4) good = read_words(&number, 1);
        if (command == 4) good = good && bench->load_beside(number);
        if (command == 1) for (; good && number; number--) good = bench->row();
        if (command == 2) for (; number; number--) bench->clock();
    }
    good = good && bench->drain();
    if (!good) std::fprintf(stderr, "the commands end early, or a result did not come\n");
    std::fprintf(stderr, "%ld clock cycles\n", clocks);
    return std::fclose(result) != 0 || !good;
}
