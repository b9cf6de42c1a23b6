#include "base/split.hpp"
#include "base/number_text.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace cnf {

Split split_rows(Index n, const SplitFractions& fractions, Seed seed) {
  const auto is_fraction = [](double f) { return f >= 0 && f <= 1; };
  if (!is_fraction(fractions.train) || !is_fraction(fractions.validation) || !is_fraction(fractions.test) ||
      std::abs(fractions.train + fractions.validation + fractions.test - 1) > 1e-9)
    throw std::invalid_argument("split_rows: fractions " + shortest(fractions.train) + ", " +
                                shortest(fractions.validation) + ", " + shortest(fractions.test) +
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

Batch take(const Eigen::Ref<const Batch>& x, std::span<const Index> rows) {
  Batch out(x.rows(), static_cast<Index>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0 || rows[i] >= x.cols())
      throw std::invalid_argument("take: row " + std::to_string(rows[i]) + " of " + std::to_string(x.cols()));
    out.col(static_cast<Index>(i)) = x.col(rows[i]);
  }
  return out;
}

}  // namespace cnf
