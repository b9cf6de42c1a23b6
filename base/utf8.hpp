// Text that came from outside: is it UTF-8, and how to show it on one line.
#pragma once

#include <string>
#include <string_view>

namespace cnf {

/// The length of the UTF-8 sequence that `text` begins with (1 to 4), 0 if there is none: no overlong forms, no
/// surrogates, nothing above U+10FFFF (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

/// Valid UTF-8 without control characters (below U+0020, U+007F to U+009F).
bool is_name(std::string_view text);

/// `text` on one line: control characters and bytes that are not UTF-8 as \xNN, and at most `limit` bytes of it.
std::string printable(std::string_view text, std::size_t limit = 4096);

}  // namespace cnf
