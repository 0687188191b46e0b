// Verilator simulation of a design behind AXI4-Stream and, where LITE, AXI4-Lite; all sides pause at random.
// The input is a row of 64-bit words:
//   0, n, n x INPUT_SIZE codes        n rows are queued
//   1, kind, address, data, expected  an access is queued; kind 0: write, answered with `expected`; 1: read of
//                                     `expected`; 2: reads until (value & data) == expected; 3: read answered so
//   2, what                           wait until what was queued is done; what: 1 rows taken, 2 results, 4 accesses
// What breaks the rules of AXI, or does not move for a long time, ends the simulation.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <vector>

#include DESIGN_HEADER
#include "driver_ports.h"

#define ONE(...) +1
static constexpr int INPUT_STREAMS = 0 INPUTS(ONE), OUTPUT_STREAMS = 0 OUTPUTS(ONE);
static constexpr long PATIENCE = 64 * (LATENCY + INTERVAL) + 10000;

struct Access {
    std::uint64_t kind, address, data, expected;
};

struct Bench {
    VerilatedContext context;
    DESIGN design{&context};
    std::vector<std::int64_t> rows, results[OUTPUT_STREAMS];
    std::size_t queued = 0, taken[INPUT_STREAMS] = {}, given[OUTPUT_STREAMS] = {};
    bool up[INPUT_STREAMS] = {}, stood[OUTPUT_STREAMS] = {};
    std::int64_t shown[OUTPUT_STREAMS][OUTPUT_SIZE], seen[OUTPUT_SIZE];
    std::deque<Access> accesses;
    bool address_up = false, data_up = false, asked = false;
    std::uint64_t noise = 88172645463325252u;
    long still = 0, clocks = 0;

    bool chance(int of_eight) {
        noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
        return int(noise >> 20 & 7) < of_eight;
    }

    // Phases of several hundred cycles each: all hurry, the source is slow, the sink is slow, both are.
    int eagerness(bool source) { return (clocks >> (source ? 9 : 10)) & 1 ? 3 : 8 - int(chance(2)); }

    [[noreturn]] void fail(const char *what) {
        std::fprintf(stderr, "%s after %ld clock cycles\n", what, clocks);
        std::exit(3);
    }

    void drive() {
        int place = 0;
        std::size_t first = 0;
#define OFFER(bus, size, ...)                                                                                          \
    if (!up[place] && taken[place] < queued && chance(eagerness(true))) {                                              \
        up[place] = true;                                                                                              \
        ports.bus.drive(design.bus##_tdata, &rows[taken[place] * INPUT_SIZE + first]);                                 \
    }                                                                                                                  \
    design.bus##_tvalid = up[place], design.bus##_tlast = 1, place++, first += size;
        INPUTS(OFFER)
#define LISTEN(bus, ...) design.bus##_tready = chance(eagerness(false));
        OUTPUTS(LISTEN)
#if LITE
        bool write = !accesses.empty() && accesses.front().kind == 0, read = !accesses.empty() && !write;
        address_up |= (write || read) && !asked && chance(5);
        data_up |= write && !asked && chance(5);
        design.s_axil_awvalid = write && address_up, design.s_axil_wvalid = data_up, design.s_axil_wstrb = 15;
        design.s_axil_arvalid = read && address_up;
        if (write || read) design.s_axil_awaddr = design.s_axil_araddr = accesses.front().address;
        if (write) design.s_axil_wdata = accesses.front().data;
        design.s_axil_bready = chance(5), design.s_axil_rready = chance(5);
#endif
    }

    void sample() {
        int place = 0;
#define TAKEN(bus, ...)                                                                                                \
    if (design.bus##_tvalid && design.bus##_tready) taken[place]++, up[place] = false, still = 0;                      \
    place++;
        INPUTS(TAKEN)
        place = 0;
#define GIVEN(bus, size, width, is_signed)                                                                             \
    ports.bus.read(design.bus##_tdata, seen, is_signed);                                                               \
    if (stood[place] && (!design.bus##_tvalid || std::memcmp(seen, shown[place], 8 * size)))                           \
        fail("a result changed before it was taken");                                                                  \
    stood[place] = design.bus##_tvalid && !design.bus##_tready;                                                        \
    std::memcpy(shown[place], seen, 8 * size);                                                                         \
    if (design.bus##_tvalid && !design.bus##_tlast) fail("a row does not end with TLAST");                             \
    if (design.bus##_tvalid && design.bus##_tready)                                                                    \
        results[place].insert(results[place].end(), seen, seen + size), given[place]++, still = 0;                     \
    place++;
        OUTPUTS(GIVEN)
#if LITE
        if (design.s_axil_awvalid && design.s_axil_awready) address_up = false, asked = true;
        if (design.s_axil_wvalid && design.s_axil_wready) data_up = false, asked = true;
        if (design.s_axil_arvalid && design.s_axil_arready) address_up = false, asked = true;
        if (design.s_axil_bvalid && design.s_axil_bready) answered(design.s_axil_bresp == accesses.front().expected);
        if (design.s_axil_rvalid && design.s_axil_rready) {
            const Access &access = accesses.front();
            std::uint64_t value = access.kind == 3 ? design.s_axil_rresp : design.s_axil_rdata;
            if (access.kind != 3 && design.s_axil_rresp) fail("a read was refused");
            if (access.kind == 2 && (value & access.data) != access.expected) asked = false;
            else answered(value == access.expected || access.kind == 2);
        }
#endif
    }

    void answered(bool right) {
        if (!right) {
            std::fprintf(stderr, "access to address %#lx: ", (unsigned long)accesses.front().address);
            fail("not the answer that is expected");
        }
        accesses.pop_front(), asked = false, still = 0;
    }

    void clock() {
        drive();
        design.aclk = 0;
        design.eval();
        sample();
        design.aclk = 1;
        design.eval();
        if (clocks++, ++still > PATIENCE) fail("nothing moves");
    }

    bool waits(std::uint64_t what) {
        bool waiting = (what & 4) && !accesses.empty();
        for (std::size_t count : taken) waiting |= (what & 1) && count < queued;
        for (std::size_t count : given) waiting |= (what & 2) && count < queued;
        return waiting;
    }
};

int main(int count, char **arguments) {
    if (count != 3) return std::fprintf(stderr, "usage: simulate INPUT OUTPUT\n"), 2;
    std::FILE *source = std::fopen(arguments[1], "rb"), *result = std::fopen(arguments[2], "wb");
    if (!source || !result) return std::fprintf(stderr, "cannot open the files of codes\n"), 2;
    auto bench = std::make_unique<Bench>();
    auto word = [source](std::uint64_t &to) { return std::fread(&to, 8, 1, source) == 1; };
    bench->design.aresetn = 0;
    for (int edge = 0; edge < 4; edge++) bench->clock();
    bench->design.aresetn = 1;
    std::uint64_t command, number;
    bool good = true;
    while (good && word(command)) {
        if (command == 0 && (good = word(number))) {
            std::size_t codes = number * INPUT_SIZE, old = bench->rows.size();
            bench->rows.resize(old + codes), bench->queued += number;
            good = codes == 0 || std::fread(&bench->rows[old], 8, codes, source) == codes;
        }
        Access access;
        if (command == 1 && (good = std::fread(&access, sizeof access, 1, source) == 1)) bench->accesses.push_back(access);
        if (command == 2 && (good = word(number)))
            for (bench->still = 0; bench->waits(number);) bench->clock();
    }
    if (!good) return std::fprintf(stderr, "the commands end early\n"), 3;
    for (std::size_t row = 0; row < bench->queued; row++)
        for (auto &codes : bench->results) {
            std::size_t size = codes.size() / bench->queued;
            std::fwrite(&codes[row * size], 8, size, result);
        }
    std::fprintf(stderr, "%ld clock cycles\n", bench->clocks);
    return std::fclose(result) != 0;
}
