#include "datasets/split.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "base/error.hpp"
#include "base/npy.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

std::uint64_t digest_of(const Eigen::Ref<const Batch>& x, Index i) {
  return XXH3_64bits(x.col(i).data(), static_cast<std::size_t>(x.rows()) * sizeof(double));
}

}  // namespace

Split split_rows(Index n, const SplitFractions& fractions, Seed seed) {
  const auto is_fraction = [](double f) { return f >= 0 && f <= 1; };
  if (!is_fraction(fractions.train) || !is_fraction(fractions.validation) || !is_fraction(fractions.test) ||
      std::abs(fractions.train + fractions.validation + fractions.test - 1) > 1e-9)
    throw std::invalid_argument("split_rows: fractions " + std::to_string(fractions.train) + ", " +
                                std::to_string(fractions.validation) + ", " + std::to_string(fractions.test) +
                                ", expected three numbers from 0 to 1 that sum to 1");
  const double rows = static_cast<double>(n);
  const Index validation = std::lround(fractions.validation * rows), test = std::lround(fractions.test * rows);
  const Index train = n - validation - test;
  if (train < 1) throw std::invalid_argument("split_rows: of " + std::to_string(n) + " rows none is left to train on");

  // Sorting by 64 random bits shuffles; a tie (chance n^2 / 2^65) is broken by the row number.
  std::vector<std::pair<std::uint64_t, Index>> order(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    const PhiloxWords words = philox(seed, Purpose::split, 0, static_cast<std::uint64_t>(i), 0);
    order[static_cast<std::size_t>(i)] = {(static_cast<std::uint64_t>(words.word[1]) << 32) | words.word[0], i};
  }
  std::sort(order.begin(), order.end());
  Split split;
  for (Index i = 0; i < n; ++i) {
    std::vector<Index>& part = i < train ? split.train : i < train + validation ? split.validation : split.test;
    part.push_back(order[static_cast<std::size_t>(i)].second);
  }
  for (std::vector<Index>* part : {&split.train, &split.validation, &split.test}) std::sort(part->begin(), part->end());
  return split;
}

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
        throw InputError(name + ":" + std::to_string(i + 1) + ": " + std::to_string(value) +
                         ", expected 0 (train), 1 (validation) or 2 (test)");
      (value == 0 ? split.train : value == 1 ? split.validation : split.test).push_back(i);
    }
  }
  if (split.train.empty()) throw InputError(name + ": no row is 0, expected rows to train on");
  return split;
}

Batch take(const Eigen::Ref<const Batch>& x, std::span<const Index> rows) {
  Batch out(x.rows(), static_cast<Index>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0 || rows[i] >= x.cols())
      throw std::invalid_argument("take: row " + std::to_string(rows[i]) + " of " + std::to_string(x.cols()));
    out.col(static_cast<Index>(i)) = x.col(rows[i]);
  }
  return out;
}

std::vector<std::uint64_t> row_digests(const Eigen::Ref<const Batch>& x) {
  std::vector<std::uint64_t> digests(static_cast<std::size_t>(x.cols()));
  for (Index i = 0; i < x.cols(); ++i) digests[static_cast<std::size_t>(i)] = digest_of(x, i);
  std::sort(digests.begin(), digests.end());
  return digests;
}

Index seen_rows(std::span<const std::uint64_t> known, const Eigen::Ref<const Batch>& x) {
  Index seen = 0;
  for (Index i = 0; i < x.cols(); ++i) seen += std::binary_search(known.begin(), known.end(), digest_of(x, i));
  return seen;
}

}  // namespace cnf
