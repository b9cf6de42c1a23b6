// Which rows of a table are asked for, and which cells stand for no value.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/row_ledger.hpp"

namespace cnf {

struct RowOptions;

/// A condition on one column: its cell is, or is not, one of `values`, or stands in an order to the first of them.
struct RowCondition {
  enum class Order { equal, unequal, less, at_most, greater, at_least };

  std::string column;  ///< its name, or its number from 1
  Order order = Order::equal;
  std::vector<std::string> values;  ///< numbers, texts, or of equal and unequal "0:5", "0:", ":5": ends included
  std::string text;                 ///< as it was written, for messages

  /// Rows that meet it all have the same value there.
  bool fixes_value() const;
};

/// Reads "kind=rock,sand,x>=0,y=0:5": conditions that must all hold, a column, one of = != < <= > >= and a value each;
/// what has no sign is one more value of the condition before it.
/// Throws std::invalid_argument, on one line, for any other text.
std::vector<RowCondition> parse_conditions(std::string_view text);

/// RowOptions::missing and ::where, applied to the rows of one file.
class RowFilter {
 public:
  /// Reads a row's cell of a column, from 0, as that column is read; false if it is no number.
  using ReadNumber = std::function<bool(std::size_t column, double& value)>;

  /// `names`: of all columns of the file. InputError naming the source for a column that is not among them.
  RowFilter(const std::string& source, const std::vector<std::string>& names, const RowOptions& options);

  bool has_missing() const { return has_missing_; }
  bool has_conditions() const { return !tests_.empty(); }
  std::vector<std::size_t> columns() const;  ///< that the conditions ask, from 0
  /// InputError if a condition compares with a text: for an array, which holds numbers.
  void expect_numbers(const std::string& source) const;

  /// Whether a cell of a text stands for no value, by what is written there or by the number that it is.
  bool is_missing(std::string_view cell) const;
  bool is_missing(double value) const;
  /// Of an array: NaN is the only cell without a number, so every word means it. `bytes`: of its floats, in which
  /// -999.9 is not what it is in a double.
  bool is_missing_in_array(double value, std::size_t bytes) const;

  struct Verdict {
    Fate fate = Fate::taken;
    std::size_t column = 0;           ///< invalid: the cell that is no number, from 0,
    std::string_view condition = {};  ///< and the condition that needs one
  };
  /// By the conditions, from all cells of a row.
  Verdict judge(std::span<const std::string_view> cells, const ReadNumber& read) const;
  Fate judge_in_array(const double* row, std::size_t bytes) const;

 private:
  /// A number or a range of them, if it can be read as such, and its text.
  struct Wanted {
    std::string text;
    bool is_number = false, is_range = false;
    double low = 0, high = 0;

    bool matches(double value, std::size_t bytes) const;
  };
  struct Test {
    std::size_t column;
    RowCondition::Order order;
    std::vector<Wanted> values;
    std::string text;
    bool needs_number = false;

    bool by_value() const { return order == RowCondition::Order::equal || order == RowCondition::Order::unequal; }
    bool holds(double value, std::size_t bytes) const;
  };

  bool has_missing_ = false, any_word_ = false;
  std::vector<std::string> words_;
  std::vector<double> numbers_;
  std::vector<Test> tests_;
};

}  // namespace cnf
