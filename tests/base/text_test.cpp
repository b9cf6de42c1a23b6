// Characters and numbers as text.
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <string_view>

#include "base/number_text.hpp"
#include "base/utf8.hpp"

namespace cnf {

TEST_CASE("exactly the sequences of RFC 3629 are UTF-8", "[base][utf8]") {
  // Every code point encodes to a sequence that is taken; every other string of up to three bytes is not.
  const auto encode = [](unsigned c) {
    const auto tail = [](unsigned bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
    if (c < 0x80) return std::string{static_cast<char>(c)};
    if (c < 0x800) return std::string{static_cast<char>(0xC0 | (c >> 6)), tail(c)};
    if (c < 0x10000) return std::string{static_cast<char>(0xE0 | (c >> 12)), tail(c >> 6), tail(c)};
    return std::string{static_cast<char>(0xF0 | (c >> 18)), tail(c >> 12), tail(c >> 6), tail(c)};
  };
  int wrong = 0;
  for (unsigned c = 0; c < 0x120000; ++c) {
    const std::string text = encode(c);
    const bool valid = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
    wrong += utf8_length(text) != (valid ? text.size() : 0) || is_utf8(text) != valid;
    wrong += utf8_length(text.substr(0, text.size() - 1)) != 0;
  }
  int taken = 0;
  for (unsigned bits = 0; bits < 0x1000000; bits += 1) {
    const char text[] = {static_cast<char>(bits >> 16), static_cast<char>(bits >> 8), static_cast<char>(bits)};
    if (utf8_length({text, 3}) == 3) ++taken;
  }
  CHECK(wrong == 0);
  CHECK(taken == 0x10000 - 0x800 - 0x800);  // three bytes: U+0800 to U+FFFF without the surrogates
  CHECK(utf8_length("\xc0\x80") == 0);
  CHECK(utf8_length("\xe0\x80\x80") == 0);
}

TEST_CASE("a character's UTF-8 is a sequence that decodes to it", "[base][utf8]") {
  int wrong = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const std::string text = utf8_encode(c);
    wrong += utf8_length(text) != text.size() || utf8_decode(text) != c;
  }
  CHECK(wrong == 0);
}

TEST_CASE("foreign text is shown on one line", "[base][utf8]") {
  CHECK(printable("a\nb\r\t\x1b\x7f\xc2\x85\xff\xc3\xa9") == "a\\nb\\r\\t\\x1b\\x7f\\xc2\\x85\\xff\xc3\xa9");
  CHECK(printable("abcdef", 3) == "abc...");
  CHECK(printable("a\u00A0b\u2009\u200B\uFEFF\u00AD \u00E9") == "a\\u00a0b\\u2009\\u200b\\ufeff\\u00ad \u00E9");
  CHECK(one_line(std::string(5000, 'a')) == std::string(5000, 'a'));
  CHECK(one_line("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");  // an overlong slash
  CHECK(is_name("\xc3\xa9 t"));
  CHECK(!is_name("a\tb"));
  CHECK(!is_name("\xc2\x9f"));
  CHECK(!is_name(std::string_view("\0", 1)));
  CHECK(printable("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8 \xe2\x80\x94") ==
        "\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\xa8 \xe2\x80\x94");  // overrides, not the dash
  CHECK(!is_name("\xe2\x80\xae"));
  CHECK(plain_json("{\"\xc3\xa9\x7f\": \"\xc2\x9b\xe2\x80\xae\"}\n") == "{\"\xc3\xa9\\u007f\": \"\\u009b\\u202e\"}\n");
}

TEST_CASE("numbers become text with a point and never fail to fit", "[base][numbers]") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(1e-5) == "1e-05");
  CHECK(shortest(-5e-324) == "-5e-324");
  CHECK(significant(0.123456, 4) == "0.1235");
  CHECK(significant(1.0, 6) == "1");
  CHECK(decimals(0.125, 1) == "0.1");
  CHECK(decimals(-1.7976931348623157e308, 4).size() == 1 + 309 + 5);
  CHECK(scientific(0.125, 1) == "1.2e-01");
  CHECK(scientific(HUGE_VAL, 1) == "inf");
}

}  // namespace cnf
