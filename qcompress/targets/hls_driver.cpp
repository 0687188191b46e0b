// C simulation of an hls4ml project: codes (rows x INPUT_SIZE, 64-bit integers) -> codes (rows x OUTPUT_SIZE).
// Codes enter and leave as the bit patterns of the port types.
#include <cstdint>
#include <cstdio>

#define STRING_(name) #name
#define STRING(name) STRING_(name)
#define HEADER_(name) STRING(name.h)
#define HEADER(name) HEADER_(name)
#include HEADER(TOP)

template <class In, class Out> int simulate(void (*top)(In *, Out *), std::FILE *source, std::FILE *result) {
    static_assert(In::width == INPUT_WIDTH && In::iwidth == INPUT_INTEGER, "input format is not the graph's");
    static_assert(Out::width == OUTPUT_WIDTH && Out::iwidth == OUTPUT_INTEGER, "output format is not the graph's");
    static In input[INPUT_SIZE];
    static Out output[OUTPUT_SIZE];
    static std::int64_t given[INPUT_SIZE], codes[OUTPUT_SIZE];
    while (std::fread(given, sizeof given, 1, source) == 1) {
        for (int i = 0; i < INPUT_SIZE; i++) input[i].range(INPUT_WIDTH - 1, 0) = ap_int<64>(given[i]);
        top(input, output);
        for (int i = 0; i < OUTPUT_SIZE; i++) {
            std::uint64_t bits = output[i].range(OUTPUT_WIDTH - 1, 0).to_uint64() << (64 - OUTPUT_WIDTH);
            codes[i] = OUTPUT_SIGNED ? std::int64_t(bits) >> (64 - OUTPUT_WIDTH) : bits >> (64 - OUTPUT_WIDTH);
        }
        if (std::fwrite(codes, sizeof codes, 1, result) != 1) return 1;
    }
    return std::ferror(source) != 0;
}

int main(int count, char **arguments) {
    if (count != 3) return std::fprintf(stderr, "usage: simulate INPUT OUTPUT\n"), 2;
    std::FILE *source = std::fopen(arguments[1], "rb"), *result = std::fopen(arguments[2], "wb");
    if (!source || !result) return std::fprintf(stderr, "cannot open the files of codes\n"), 2;
    int fault = simulate(TOP, source, result);
    return std::fclose(result) != 0 || fault;
}
