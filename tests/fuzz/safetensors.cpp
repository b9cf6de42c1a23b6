// The container of models, states and rows: with digests, as this program asks for, and without, as others write it.
#include "tests/fuzz/target.hpp"

using namespace cnf;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::bytes(data, size);
  fuzz::accepts([&] { parse_safetensors(input, "input"); });
  const fuzz::MemoryFile file(input);
  fuzz::accepts([&] { read_safetensors(file.path(), Digests::optional); });
  const auto written = fuzz::with_digests(input);
  if (!written) return 0;
  const Safetensors read = parse_safetensors(fuzz::bytes(*written), "written");
  fuzz::require(safetensors_bytes(read) == *written, "what was written is read and written again byte for byte");
  return 0;
}
