// A model's file, and the rows that a run keeps beside it.
#include "flows/files/model_file.hpp"
#include "tests/fuzz/target.hpp"
#include "tools/run/run_folder.hpp"

using namespace cnf;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::bytes(data, size);
  const auto written = fuzz::with_digests(input);
  const fuzz::MemoryFile file(written ? fuzz::bytes(*written) : input);
  fuzz::accepts([&] {
    const std::string again = model_bytes(read_model(file.path()));
    const fuzz::MemoryFile second(fuzz::bytes(again));
    fuzz::require(model_bytes(read_model(second.path())) == again, "a model that is read is written and read again");
  });
  fuzz::accepts([&] {
    const std::string again = split_rows_bytes(read_split_rows(file.path()));
    const fuzz::MemoryFile second(fuzz::bytes(again));
    fuzz::require(split_rows_bytes(read_split_rows(second.path())) == again, "rows that are read are written again");
  });
  return 0;
}
