// NumPy's arrays: whole, in rows, and as a table's rows.
#include "base/npy.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "tests/fuzz/target.hpp"

using namespace cnf;

namespace {

bool same_bits(std::span<const double> a, std::span<const double> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::bytes(data, size);
  fuzz::accepts([&] {
    const NpyArray whole = parse_npy(input, "input");
    NpyReader rows(ByteSource(input, "input"));
    const Index cols = std::max<Index>(rows.cols(), 1);
    if (whole.values.empty()) return;
    std::vector<double> values;
    std::vector<double> row(static_cast<std::size_t>(cols));
    while (rows.read_rows(row) > 0) values.insert(values.end(), row.begin(), row.end());
    fuzz::require(same_bits(values, whole.values), "rows one by one are the whole array");
    const std::string written = npy_bytes(rows.rows(), cols, whole.values, NpyDtype::f8);
    fuzz::require(same_bits(parse_npy(fuzz::bytes(written), "written").values, whole.values),
                  "what was read is written and read again");
  });
  const fuzz::MemoryFile file(input);
  fuzz::accepts([&] { read_npy(file.path()); });
  return 0;
}
