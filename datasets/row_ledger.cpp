#include "datasets/row_ledger.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "datasets/rows.hpp"

namespace cnf {

std::string LeftOut::text() const {
  std::string text;
  const auto add = [&](Index count, const char* before, const char* behind) {
    if (count == 0) return;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + before + (count == 1 ? "row" : "rows") + behind;
  };
  add(invalid, " invalid ", "");
  add(missing, " ", " with a missing value");
  add(unwanted, " ", " not asked for");
  return text;
}

RowLedger::RowLedger(const RowOptions& options)
    : drop_invalid_(options.drop_invalid), count_invalid_(options.count_invalid), keep_places_(options.keep_places) {}

void RowLedger::invalid(const std::string& message, const std::string& help) {
  if (++left_out_.invalid > 1) return;
  left_out_.first_invalid = message;
  help_ = help;
  if (!drop_invalid_ && !count_invalid_) finish();
}

bool RowLedger::enter(Fate fate, Index number, std::span<double> column) {
  if (fate == Fate::missing) ++left_out_.missing;
  if (fate == Fate::unwanted) ++left_out_.unwanted;
  if (failing() || (fate != Fate::taken && !keep_places_)) return false;
  numbers_.push_back(number);
  usable_.push_back(fate == Fate::taken ? 1 : 0);
  if (fate != Fate::taken) std::fill(column.begin(), column.end(), std::numeric_limits<double>::quiet_NaN());
  return true;
}

void RowLedger::finish() const {
  if (!failing()) return;
  const Index count = left_out_.invalid;
  throw InputError(count_invalid_ && count > 1
                       ? left_out_.first_invalid + " (the first of " + std::to_string(count) + " invalid rows)"
                       : left_out_.first_invalid,
                   help_);
}

}  // namespace cnf
