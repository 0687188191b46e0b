// Verilator simulation of the pipelined design: codes (rows x INPUT_SIZE, 64-bit integers) -> output codes.
// One row enters at every clock cycle; its result is read LATENCY rising edges later.
#include <cstdint>
#include <cstdio>
#include <memory>

#include DESIGN_HEADER
#include "driver_ports.h"

int main(int count, char **arguments) {
    if (count != 3) return std::fprintf(stderr, "usage: simulate INPUT OUTPUT\n"), 2;
    std::FILE *source = std::fopen(arguments[1], "rb"), *result = std::fopen(arguments[2], "wb");
    if (!source || !result) return std::fprintf(stderr, "cannot open the files of codes\n"), 2;

    VerilatedContext context;
    auto design = std::make_unique<DESIGN>(&context);
    static std::int64_t given[INPUT_SIZE], codes[OUTPUT_SIZE];
    long rows = 0, edges = 0;
    for (bool fed = true; fed || edges < rows + LATENCY - 1; edges++) {
        fed = fed && std::fread(given, sizeof given, 1, source) == 1;
        rows += fed;
        if (rows == 0) break;
        design->clk = 0;
        if (fed) drive_inputs(*design, given);
        design->eval();
        design->clk = 1;
        design->eval();
        long row = edges + 1 - LATENCY;
        if (row < 0 || row >= rows) continue;
        read_outputs(*design, codes);
        if (std::fwrite(codes, sizeof codes, 1, result) != 1) return 1;
    }
    return std::fclose(result) != 0 || std::ferror(source) != 0;
}
