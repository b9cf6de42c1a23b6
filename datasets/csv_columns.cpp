#include "datasets/csv_columns.hpp"

#include <algorithm>
#include <cmath>

#include "datasets/cell_kind.hpp"

namespace cnf {

bool is_whole(std::string_view cell) {
  if (cell.starts_with('-') || cell.starts_with('+')) cell.remove_prefix(1);
  return !cell.empty() && cell.find_first_not_of("0123456789") == std::string_view::npos;
}

void ColumnFacts::add(std::string_view cell) {
  double value = 0;
  const CellNumber number = read_number(cell);
  tells_ |= number.tells;
  if (number.form == CellNumber::Form::none && read_plain_number(cell, value) == CellNumber::Form::none) {
    texts_ += is_missing(cell) ? 0 : 1;
    return;
  }
  if (number.form == CellNumber::Form::none) return;  // nan, inf
  value = number.value;
  const bool whole = is_whole(cell);
  if (numbers_ == 0) first_ = value;
  counts_up_ &= whole && (numbers_ == 0 || value == last_ + 1);
  rises_ &= numbers_ == 0 || value > last_;
  least_ = numbers_ == 0 ? value : std::min(least_, value);
  most_ = numbers_ == 0 ? value : std::max(most_, value);
  last_ = value;
  ++numbers_;
  whole_ += whole ? 1 : 0;
}

}  // namespace cnf
