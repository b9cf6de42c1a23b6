#include "base/utf8.hpp"

#include <algorithm>

namespace cnf {
namespace {

/// What moves the cursor, or makes a line read otherwise than it is written: controls, separators of lines, and marks
/// that turn the direction of writing round (U+2028 to U+202E, U+2066 to U+2069).
bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}
bool is_control(std::string_view sequence) { return is_control(utf8_decode(sequence)); }

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < n) return 0;
  // The second byte's range rules out overlong forms, surrogates and what lies beyond U+10FFFF.
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < n; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  return n;
}

char32_t utf8_decode(std::string_view sequence) {
  const auto bits = [&](std::size_t i, unsigned mask) { return static_cast<unsigned char>(sequence[i]) & mask; };
  if (sequence.size() == 1) return bits(0, 0x7F);
  char32_t character = bits(0, 0x3FU >> (sequence.size() - 1));
  for (std::size_t i = 1; i < sequence.size(); ++i) character = character << 6 | bits(i, 0x3F);
  return character;
}

std::string utf8_encode(char32_t character) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((character >> shift) & 0x3F)); };
  const auto lead = [&](unsigned mark, int shift) { return static_cast<char>(mark | (character >> shift)); };
  if (character < 0x80) return {lead(0, 0)};
  if (character < 0x800) return {lead(0xC0, 6), tail(0)};
  if (character < 0x10000) return {lead(0xE0, 12), tail(6), tail(0)};
  return {lead(0xF0, 18), tail(12), tail(6), tail(0)};
}

std::size_t character_count(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

bool is_name(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    if (n == 0 || is_control(text.substr(0, n))) return false;
    text.remove_prefix(n);
  }
  return true;
}

bool is_blank(char32_t c) {
  return c == ' ' || c == '\t' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

bool is_invisible(char32_t c) {
  return c == 0xAD || c == 0x61C || c == 0x180E || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF;
}

std::string printable(std::string_view text, std::size_t limit) {
  constexpr char hex[] = "0123456789abcdef";
  std::string out;
  std::string_view rest = text;
  while (!rest.empty() && text.size() - rest.size() < limit) {
    const std::size_t n = utf8_length(rest);
    if (n > 0 && !is_control(rest.substr(0, n))) {
      const char32_t c = utf8_decode(rest.substr(0, n));
      if (c != ' ' && (is_blank(c) || is_invisible(c)))
        out += {'\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15]};
      else
        out += rest.substr(0, n);
      rest.remove_prefix(n);
      continue;
    }
    const auto byte = static_cast<unsigned char>(rest[0]);
    if (const char letter = byte == '\n' ? 'n' : byte == '\r' ? 'r' : byte == '\t' ? 't' : '\0')
      out += {'\\', letter};
    else
      out += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    rest.remove_prefix(1);
  }
  if (!rest.empty()) out += "...";
  return out;
}

std::string plain_json(std::string_view json) {
  constexpr char hex[] = "0123456789abcdef";
  std::string out;
  while (!json.empty()) {
    const std::size_t n = std::max<std::size_t>(utf8_length(json), 1);
    const char32_t c = utf8_length(json) == 0 ? 0x20 : utf8_decode(json.substr(0, n));
    if (c >= 0x7F && is_control(c))
      out += {'\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15]};
    else
      out += json.substr(0, n);
    json.remove_prefix(n);
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string one_line(std::string_view text) { return printable(text, text.size()); }

}  // namespace cnf
