#include "datasets/split.hpp"

#include <xxhash.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/npy.hpp"
#include "base/number_text.hpp"
#include "base/utf8.hpp"

namespace cnf {

Split read_split(const std::filesystem::path& path, Index n) {
  const std::string name = printable(path.string());
  NpyReader file(path);
  if (file.rows() != n || file.cols() != 1)
    throw InputError(name + ": " + std::to_string(file.rows()) + " x " + std::to_string(file.cols()) +
                     " values, expected one for each of the data's " + std::to_string(n) + " rows");
  Split split;
  std::vector<double> buffer(static_cast<std::size_t>(std::min<Index>(n, 65536)));
  for (Index i = 0; i < n;) {
    const Index got = file.read_rows(buffer);
    for (Index k = 0; k < got; ++k, ++i) {
      const double value = buffer[static_cast<std::size_t>(k)];
      if (value != 0 && value != 1 && value != 2)
        throw InputError(name + ":" + std::to_string(i + 1) + ": " + shortest(value) +
                         ", expected 0 (train), 1 (validation) or 2 (test)");
      (value == 0 ? split.train : value == 1 ? split.validation : split.test).push_back(i);
    }
  }
  if (split.train.empty()) throw InputError(name + ": no row is 0, expected rows to train on");
  return split;
}

std::uint64_t row_digest(const Eigen::Ref<const Batch>& x, Index i) {
  return XXH3_64bits(x.col(i).data(), static_cast<std::size_t>(x.rows()) * sizeof(double));
}

std::vector<std::uint64_t> row_digests(const Eigen::Ref<const Batch>& x) {
  std::vector<std::uint64_t> digests(static_cast<std::size_t>(x.cols()));
  for (Index i = 0; i < x.cols(); ++i) digests[static_cast<std::size_t>(i)] = row_digest(x, i);
  std::sort(digests.begin(), digests.end());
  return digests;
}

std::vector<char> seen_rows(std::span<const std::uint64_t> known, const Eigen::Ref<const Batch>& x) {
  std::vector<char> seen;
  for (Index i = 0; i < x.cols(); ++i) seen.push_back(std::binary_search(known.begin(), known.end(), row_digest(x, i)));
  return seen;
}

}  // namespace cnf
