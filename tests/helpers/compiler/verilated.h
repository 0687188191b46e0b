// What Verilator's models and our drivers include.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

#include <verilated.h>
