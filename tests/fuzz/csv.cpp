// Tables in text: the first byte says how they are to be read, the others are the file.
#include "datasets/csv.hpp"

#include <cmath>

#include "base/utf8.hpp"
#include "tests/fuzz/target.hpp"

using namespace cnf;

namespace {

/// All samples of a table, in blocks of `block`.
Batch read_all(std::span<const std::byte> input, const RowOptions& options, char separator, Index block) {
  const auto rows = read_csv(ByteSource(input, "input"), "input", options, separator);
  for (const std::string& column : rows->columns()) fuzz::require(is_name(column), "a column's name can be shown");
  const Index D = static_cast<Index>(rows->columns().size());
  Batch all(D, 0);
  for (Index n = block; n == block;) {
    Batch some(D, block);
    n = rows->read(Out<double>(some.data(), D, block));
    all.conservativeResize(Eigen::NoChange, all.cols() + n);
    all.rightCols(n) = some.leftCols(n);
  }
  fuzz::require(all.allFinite(), "only finite numbers are read");
  for (const RowNote& note : rows->take_notes())
    fuzz::require(is_name(note.text) && note.text.size() < 4096, "a note is one line that can be shown");
  return all;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned how = data[0];
  const char separator = "\0\t,;"[how & 3];
  RowOptions options{.drop_invalid = (how & 4) != 0, .count_invalid = (how & 8) == 0};
  if (how & 16) options.columns = {"2", "x"};
  if (how & 32) options.drop = {"1"};
  const auto input = fuzz::bytes(data + 1, size - 1);
  fuzz::accepts([&] {
    const Batch x = read_all(input, options, separator, 7);
    fuzz::require(x == read_all(input, options, separator, 1), "the blocks that rows come in do not change them");
    if (x.cols() == 0) return;
    const std::string written = csv_bytes(x, numbered_columns(x.rows()));
    fuzz::require(x == read_all(fuzz::bytes(written), {}, ',', 64), "what was read is written and read again");
  });
  return 0;
}
