// Ends the program with one line where the processor lacks what it was compiled for, instead of by an illegal
// instruction. Compiled for every x86-64 (tools/CMakeLists.txt), runs before all other code of ours, constructors of
// globals included, and calls the system alone.
#include <unistd.h>

namespace {

[[gnu::constructor(101)]] void require_x86_64_v3() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) return;
  constexpr char kText[] =
      "cnf: this processor lacks AVX2, FMA or BMI2 (x86-64-v3), which this build needs; build the preset 'portable'\n";
  const bool told = ::write(STDERR_FILENO, kText, sizeof kText - 1) > 0;
  ::_exit(told ? 1 : 4);  // 4: output failed
}

}  // namespace
