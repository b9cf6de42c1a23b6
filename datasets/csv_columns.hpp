// What the cells of a table's first rows are, column by column. Private to datasets.
#pragma once

#include <string_view>
#include <vector>

#include "datasets/cell_number.hpp"

namespace cnf {

class ColumnFacts {
 public:
  void add(std::string_view cell);

  bool empty() const { return numbers_ + texts_ == 0; }
  bool is_text() const { return texts_ > 0 && numbers_ == 0; }
  bool is_number() const { return numbers_ > 0 && texts_ == 0; }
  bool has_number() const { return numbers_ > 0; }
  bool has_whole() const { return whole_ > 0; }
  bool has_decimals() const { return whole_ < numbers_; }
  /// Every cell is whole, the first is `first`, and each is one more than the one before.
  bool counts_from(double first) const { return counts_up_ && is_number() && first_ == first; }
  /// Every cell is whole and more than the one before.
  bool rises() const { return is_number() && !has_decimals() && rises_; }
  double least() const { return least_; }
  double most() const { return most_; }
  /// Further from the cells than ten times their range.
  bool is_far(double x) const { return x < least_ - 10 * (most_ - least_) || x > most_ + 10 * (most_ - least_); }
  Writings tells() const { return tells_; }

 private:
  std::size_t numbers_ = 0, whole_ = 0, texts_ = 0;
  double first_ = 0, least_ = 0, most_ = 0, last_ = 0;
  bool counts_up_ = true, rises_ = true;
  Writings tells_ = 0;
};

/// Whether it is a number in digits alone.
bool is_whole(std::string_view cell);

}  // namespace cnf
