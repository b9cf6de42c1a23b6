// What the machine can do: the rate of fused multiply-adds with the widest vectors in use.
#pragma once

namespace cnf::bench {

/// 10^9 floating-point operations a second of float multiply-adds on `threads` threads, the best of several short runs.
double peak_gflops(int threads);

/// The instruction set that the kernels chose, as Highway names it: "AVX3", "AVX2", ...
const char* instruction_set();

}  // namespace cnf::bench
