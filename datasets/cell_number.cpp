#include "datasets/cell_number.hpp"

#include <array>
#include <charconv>

#include "base/utf8.hpp"

namespace cnf {

namespace {

constexpr std::size_t kLongest = 400;  // bytes; a longer cell is a number only if plain
constexpr char kGroupMark = '_';       // stands for every mark between thousands but , and .

char32_t first_of(std::string_view text) {
  const std::size_t n = utf8_length(text);
  return n == 0 ? U'\uFFFD' : utf8_decode(text.substr(0, n));
}

/// The last character, as it stands.
std::string_view last_of(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  text.remove_prefix(at);
  return utf8_length(text) == text.size() ? text : std::string_view();
}

std::string_view without_blanks(std::string_view text) {
  const auto is_nothing = [](char32_t c) { return is_blank(c) || is_invisible(c) || c == '\n' || c == '\r'; };
  while (!text.empty() && is_nothing(first_of(text))) text.remove_prefix(utf8_length(text));
  while (!text.empty() && is_nothing(first_of(last_of(text)))) text.remove_suffix(last_of(text).size());
  return text;
}

bool opens_quote(char32_t c) {
  return c == '"' || c == '\'' || c == '`' || (c >= 0x2018 && c <= 0x201F) || c == 0xAB || c == 0xBB || c == 0x2039 ||
         c == 0x203A;
}
bool closes_quote(char32_t c) { return opens_quote(c) || c == 0xB4; }

std::string_view without_quotes(std::string_view text) {
  if (text.empty() || !opens_quote(first_of(text)) || !closes_quote(first_of(last_of(text)))) return text;
  const std::size_t first = utf8_length(text), last = last_of(text).size();
  return first + last > text.size() ? text : without_blanks(text.substr(first, text.size() - first - last));
}

/// U+2010 to U+2014 are hyphens and dashes, U+2212 the minus, the others their small and wide forms.
bool is_minus(char32_t c) {
  return c == '-' || (c >= 0x2010 && c <= 0x2014) || c == 0x2212 || c == 0xFE58 || c == 0xFE63 || c == 0xFF0D;
}
bool is_plus(char32_t c) { return c == '+' || c == 0xFF0B; }
bool parts_thousands(char32_t c) {
  return c == '\'' || c == '_' || c == 0x2019 || c == 0xA0 || (c >= 0x2007 && c <= 0x2009) || c == 0x202F;
}
/// The number in ASCII: signs as - and +, exponents as e, marks between thousands as kGroupMark.
class Spelling {
 public:
  bool spell(std::string_view text) {
    if (text.size() > kLongest) return false;
    while (!text.empty()) {
      const char32_t c = first_of(text);
      if (c < 0x80 && (is_digit(text[0]) || c == '.' || c == ','))
        put(text[0]);
      else if (is_minus(c))
        put('-');
      else if (is_plus(c))
        put('+');
      else if (c == 'e' || c == 'E' || c == 'd' || c == 'D')
        put('e');
      else if (parts_thousands(c))
        put(kGroupMark);
      else
        return false;
      text.remove_prefix(utf8_length(text));
    }
    return true;
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  void put(char c) { text_[size_++] = c; }
  std::array<char, kLongest> text_;
  std::size_t size_ = 0;
};

/// Runs of digits with marks between: 1,234.5 is "1" , "234" . "5".
struct Mantissa {
  static constexpr std::size_t kMost = 32;
  std::array<std::string_view, kMost> runs;
  std::array<char, kMost> marks;  ///< mark i stands before run i + 1
  std::size_t count = 0;          ///< of marks

  bool split(std::string_view text) {
    for (;;) {
      std::size_t end = 0;
      while (end < text.size() && is_digit(text[end])) ++end;
      runs[count] = text.substr(0, end);
      if (end == text.size()) return true;
      if (count + 1 == kMost) return false;
      marks[count++] = text[end];
      if (marks[count - 1] == '-' || marks[count - 1] == '+' || marks[count - 1] == 'e') return false;
      text.remove_prefix(end + 1);
    }
  }

  /// Whether runs 0 to n are thousands, or an Indian number of lakhs (12,34,567), all parted by one mark.
  bool grouped(std::size_t n) const {
    if (n == 0 || runs[0].empty() || runs[0].size() > 3 || runs[0][0] == '0' || runs[n].size() != 3) return false;
    bool threes = true, twos = n > 1 && runs[0].size() < 3 && marks[0] == ',';
    for (std::size_t i = 1; i < n; ++i) threes &= runs[i].size() == 3, twos &= runs[i].size() == 2;
    for (std::size_t i = 1; i < n; ++i)
      if (marks[i] != marks[0]) return false;
    return threes || twos;
  }
};

CellNumber::Form form_of(std::errc error) {
  return error == std::errc::result_out_of_range ? CellNumber::Form::out_of_range : CellNumber::Form::certain;
}

/// The value with the first `whole` + 1 runs before the decimal point.
std::errc evaluate(bool negative, const Mantissa& m, std::size_t whole, std::string_view exponent, double& value) {
  std::array<char, kLongest + 8> text;
  char* out = text.data();
  const auto put = [&](std::string_view part) { out = std::copy(part.begin(), part.end(), out); };
  if (negative) put("-");
  for (std::size_t i = 0; i <= whole; ++i) put(m.runs[i]);
  if (whole < m.count) put("."), put(m.runs[m.count]);
  put(exponent);
  return std::from_chars(text.data(), out, value).ec;
}

bool is_exponent(std::string_view text) {
  if (text.empty()) return true;
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

CellNumber read_number(std::string_view cell) {
  using Form = CellNumber::Form;
  Spelling spelling;
  if (!spelling.spell(without_quotes(without_blanks(cell)))) return {};
  std::string_view text = spelling.text();
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t e = std::min(text.find('e'), text.size());
  const std::string_view exponent = text.substr(e);
  Mantissa m;
  if (!is_exponent(exponent) || !m.split(text.substr(0, e))) return {};
  std::size_t digits = 0;
  for (std::size_t i = 0; i <= m.count; ++i) digits += m.runs[i].size();
  if (digits == 0) return {};

  CellNumber number;
  const auto certain = [&](std::size_t whole, Writings tells) {
    number.tells = tells;
    number.form = form_of(evaluate(negative, m, whole, exponent, number.value));
    return number;
  };
  if (m.count == 0) return certain(0, 0);
  const char last = m.marks[m.count - 1];
  const bool decimals = last == '.' || last == ',';
  if (decimals && last == ',' && m.runs[m.count].empty()) return {};  // "1," is half a list
  const Writings parted = last == '.' ? kPointDecimals : kCommaDecimals;
  if (m.count == 1) {
    const bool grouped = exponent.empty() && m.grouped(1);
    if (!decimals) return grouped ? certain(1, 0) : CellNumber{};
    if (!grouped) return m.runs[0].size() > 1 && m.runs[0][0] == '0' && last == ',' ? CellNumber{} : certain(0, parted);
    evaluate(negative, m, 0, {}, number.value);
    evaluate(negative, m, 1, {}, number.whole);
    number.form = last == ',' ? Form::comma_or_group : Form::point_or_group;
    return number;
  }
  const char first = m.marks[0];
  const Writings thousands = first == ',' ? kCommaThousands : first == '.' ? kPointThousands : 0;
  if (exponent.empty() && m.grouped(m.count)) return certain(m.count, thousands);
  if (decimals && last != first && m.grouped(m.count - 1)) return certain(m.count - 1, parted | thousands);
  return {};
}

void ColumnWriting::learn(Writings tells) {
  own_ |= tells;
  told_ = own_ != 0;
  const Writings decides = told_ ? own_ : all_;
  // Where both worlds meet, plain cells are read and the others refused; among others' both, none tells.
  plain_ = (decides & kCommaWorld) == 0 || (told_ && (own_ & kPointWorld) != 0);
}

ColumnWriting::Reading ColumnWriting::read(std::string_view cell, double& value) {
  const CellNumber number = read_number(cell);
  value = number.value;
  switch (number.form) {
    case CellNumber::Form::none:
      return Reading::no_number;
    case CellNumber::Form::out_of_range:
      return Reading::out_of_range;
    case CellNumber::Form::certain:
      if (((number.tells & kPointWorld) != 0 && (own_ & kCommaWorld) != 0) ||
          ((number.tells & kCommaWorld) != 0 && (own_ & kPointWorld) != 0))
        return Reading::mixed;
      learn(number.tells);
      return Reading::ok;
    default:
      break;
  }
  const bool point = number.form == CellNumber::Form::point_or_group;
  const Writings decimals = point ? kPointWorld : kCommaWorld, thousands = point ? kPointThousands : kCommaThousands;
  const auto decide = [&](Writings told) {  // what is sure of a world says that its mark of decimals is not the other's
    const bool both = (told & kPointWorld) != 0 && (told & kCommaWorld) != 0;
    if (!both && (told & decimals) != 0) return true;
    if (both || (told & thousands) == 0) return false;
    value = number.whole;
    return true;
  };
  if (decide(own_)) return Reading::ok;
  if (point && ((own_ | all_) & kCommaWorld) == 0) return Reading::ok;  // as everyone reads it
  return decide(own_ | all_) ? Reading::by_others : Reading::ambiguous;
}

}  // namespace cnf
