// What the machine can do: the rate of fused multiply-adds with the widest vectors in use.
#pragma once

namespace cnf::bench {

/// 10^9 floating-point operations a second of float multiply-adds on `threads` threads: the best of several runs, of
/// about a millisecond on one thread (short, so that some are whole between two turns of other programs), of 5 on more.
double peak_gflops(int threads, double seconds = 0.015);

/// The instruction set that the kernels chose, as Highway names it: "AVX3", "AVX2", ...
const char* instruction_set();

}  // namespace cnf::bench
