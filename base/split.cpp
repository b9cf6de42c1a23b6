#include "base/split.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "base/number_text.hpp"

namespace cnf {
namespace {

/// The place before which `count` of some numbers lie once they are sorted, equal ones in the order of asking.
class Cut {
 public:
  Cut(std::vector<std::uint64_t>& numbers, Index count) {
    if (count == std::ssize(numbers)) {
      all_ = true;
      return;
    }
    const auto middle = numbers.begin() + count;
    std::nth_element(numbers.begin(), middle, numbers.end());
    number_ = *middle;
    equal_ = std::count(numbers.begin(), middle, number_);  // nth_element leaves none greater before it
  }
  bool before(std::uint64_t number) { return all_ || number < number_ || (number == number_ && equal_-- > 0); }

 private:
  bool all_ = false;
  std::uint64_t number_ = 0;
  std::ptrdiff_t equal_ = 0;
};

}  // namespace

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

  // In the order of 64 random bits the first rows train, the next validate; a tie (chance n^2 / 2^65) is broken by the
  // row number. Only the two numbers between the parts are looked for, so that a row costs 8 bytes here and 8 in the
  // lists.
  const auto bits = [seed](Index i) {
    const PhiloxWords words = philox(seed, Purpose::split, 0, static_cast<std::uint64_t>(i), 0);
    return (static_cast<std::uint64_t>(words.word[1]) << 32) | words.word[0];
  };
  std::vector<std::uint64_t> order(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = bits(i);
  Cut first(order, train), second(order, train + validation);
  std::vector<std::uint64_t>().swap(order);
  Split split;
  split.train.reserve(static_cast<std::size_t>(train));
  split.validation.reserve(static_cast<std::size_t>(validation));
  split.test.reserve(static_cast<std::size_t>(test));
  for (Index i = 0; i < n; ++i) {
    const std::uint64_t at = bits(i);
    const bool trains = first.before(at), judges = second.before(at);
    (trains ? split.train : judges ? split.validation : split.test).push_back(i);
  }
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
