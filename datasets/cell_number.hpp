// The number that a cell of a table holds, in the ways of writing that people and programs have. Private to datasets.
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

namespace cnf {

/// What a cell tells of how its column writes decimals and thousands: 1.5 and 1234.567 have decimal points, 1,234,567
/// and 1,234.5 commas between thousands, 1,5 and 0,123 decimal commas, 1.234,5 points between thousands.
enum Writing : unsigned char { kPointDecimals = 1, kCommaThousands = 2, kCommaDecimals = 4, kPointThousands = 8 };
using Writings = unsigned char;
inline constexpr Writings kPointWorld = kPointDecimals | kCommaThousands,
                          kCommaWorld = kCommaDecimals | kPointThousands;

/// A cell read by itself.
struct CellNumber {
  enum class Form {
    none,            ///< no number, or one that cannot be understood
    certain,         ///< `value`, however others are written
    comma_or_group,  ///< 1,234: `value` = 1.234, or `whole` = 1234
    point_or_group,  ///< 1.234: likewise
    out_of_range     ///< of a double
  };
  Form form = Form::none;
  double value = 0, whole = 0;
  Writings tells = 0;
};

/// Understands, beyond digits, sign, point and exponent: Fortran's exponent D; decimal commas; thousands by , . ' _
/// U+2019 and the blanks used for that (U+00A0, U+2007 to U+2009, U+202F); Unicode's minus and dashes used for it; and
/// around the number blanks, invisible characters and a pair of quotes of any kind. The plain blank between digits is
/// not understood: it may part two numbers.
CellNumber read_number(std::string_view cell);
/// It holds a number in one of those ways, if out of range.
inline bool is_number(std::string_view cell) { return read_number(cell).form != CellNumber::Form::none; }

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The plain case alone, which is most of all cells: an optional sign and what std::from_chars takes, nan and inf too.
inline CellNumber::Form read_plain_number(std::string_view cell, double& value) {
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
  const char* const last = cell.data() + cell.size();
  const auto [end, error] = std::from_chars(cell.data(), last, value);
  if (end != last || error == std::errc::invalid_argument) return CellNumber::Form::none;
  return error == std::errc{} ? CellNumber::Form::certain : CellNumber::Form::out_of_range;
}

/// How one column writes its numbers, by its own cells and, where these do not tell, by those of the other columns.
class ColumnWriting {
 public:
  /// `own` and `all`: what the first rows tell, of this column and of every one.
  ColumnWriting(Writings own, Writings all) : all_(all) { learn(own); }

  enum class Reading {
    ok,
    by_others,  ///< read as the other columns' cells say
    no_number,
    out_of_range,
    ambiguous,  ///< 1,234 or 1.234, and nothing tells which
    mixed       ///< a decimal comma among decimal points, or the other way round
  };
  Reading read(std::string_view cell, double& value);

  /// Whether `read_plain_number` gives the same, for cells that it takes.
  bool plain() const { return plain_; }
  /// Learns from a cell that was read so.
  void note_plain(std::string_view cell) {
    if (!told_ && cell.find('.') != std::string_view::npos) learn(kPointDecimals);
  }

 private:
  void learn(Writings tells);

  Writings own_ = 0, all_ = 0;
  bool plain_ = false, told_ = false;
};

}  // namespace cnf
