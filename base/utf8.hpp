// Text that came from outside: is it UTF-8, what its characters are, and how to show it on one line.
#pragma once

#include <string>
#include <string_view>

namespace cnf {

/// The length of the UTF-8 sequence that `text` begins with (1 to 4), 0 if there is none: no overlong forms, no
/// surrogates, nothing above U+10FFFF (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text);

/// The character of such a sequence, and the sequence of a character.
char32_t utf8_decode(std::string_view sequence);
std::string utf8_encode(char32_t character);

bool is_utf8(std::string_view text);
/// How many characters: what a fixed pitch gives a text.
std::size_t character_count(std::string_view text);

/// Valid UTF-8 without control characters: below U+0020, U+007F to U+009F, and what reorders or breaks a line, U+2028
/// to U+202E and U+2066 to U+2069.
bool is_name(std::string_view text);

/// A character that leaves room and no mark: the blank, the tab, and Unicode's others (U+00A0, U+2009, U+202F, ...).
bool is_blank(char32_t character);
/// A character that leaves neither: of width zero (U+200B, U+FEFF, ...), a soft hyphen, a mark of direction.
bool is_invisible(char32_t character);

/// A to Z as a to z, in any locale; all else stays.
std::string lower(std::string_view text);

/// `text` on one line, whatever came: \n, \r and \t as these letters, other control characters (a terminal's escapes
/// among them) and bytes that are not UTF-8 as \xNN, invisible characters and blanks but ' ' as \uNNNN.
std::string one_line(std::string_view text);
/// The same of about `limit` bytes at most, then "...".
std::string printable(std::string_view text, std::size_t limit = 4096);
/// Of JSON the same text, in which control characters inside strings stand as \uNNNN where JSON would let them pass.
std::string plain_json(std::string_view json);

}  // namespace cnf
