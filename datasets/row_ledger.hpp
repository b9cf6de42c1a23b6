// What becomes of each row that a reader comes to: it is taken, or left out and counted, or the reading fails.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/types.hpp"

namespace cnf {

struct RowOptions;

/// invalid: it cannot be read as it should. missing: a cell stands for no value. unwanted: nobody asked for it.
enum class Fate { taken, invalid, missing, unwanted };

/// Rows that were not taken.
struct LeftOut {
  Index invalid = 0, missing = 0, unwanted = 0;
  std::string first_invalid{};  ///< its place, and what is wrong

  Index all() const { return invalid + missing + unwanted; }
  /// "2 invalid rows, 1 row with a missing value".
  std::string text() const;
};

/// Kept by a reader; RowOptions say what becomes of a row that is not taken.
class RowLedger {
 public:
  explicit RowLedger(const RowOptions& options);

  /// The last row was invalid; `message` begins with its place. Throws it at once if the others are not to be counted.
  void invalid(const std::string& message, const std::string& help);

  /// A block begins.
  void begin_block() { numbers_.clear(), usable_.clear(); }
  /// The row numbered `number`, whose values are or would be `column`, ends so. Returns whether it takes that column:
  /// it is taken, or keeps its place, and the column is NaN then.
  bool enter(Fate fate, Index number, std::span<double> column);
  /// At the end of the file: throws the first invalid row with the number of all, unless they are dropped.
  void finish() const;
  bool failing() const { return !drop_invalid_ && left_out_.invalid > 0; }

  const LeftOut& left_out() const { return left_out_; }
  /// Of sample i of the block: the row's number, and whether it was taken.
  Index number(Index i) const { return numbers_.at(static_cast<std::size_t>(i)); }
  bool usable(Index i) const { return usable_.at(static_cast<std::size_t>(i)) != 0; }

 private:
  bool drop_invalid_, count_invalid_, keep_places_;
  LeftOut left_out_;
  std::string help_;
  std::vector<Index> numbers_;
  std::vector<char> usable_;
};

}  // namespace cnf
