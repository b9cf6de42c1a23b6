#include "base/digest.hpp"

#include <catch2/catch.hpp>

#include "base/utf8.hpp"

namespace cnf {

TEST_CASE("the digest is XXH3-128 as xxhsum prints it", "[base][digest]") {
  // The empty one is in the algorithm's specification; the others are by an independent build (python-xxhash 3).
  CHECK(digest(std::string_view()) == "99aa06d3014798d86001c324468d497f");
  CHECK(digest("cnf") == "555ed8d78a7dce82a4b0d49402913149");
  CHECK(digest(std::string(1000, 'x')) == "50a1af5a5f2dcf01c0a4877b962cba82");
}

TEST_CASE("the pieces a stream comes in do not change its digest", "[base][digest]") {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += static_cast<char>(i * 7);
  for (const std::size_t cut : {0, 1, 15, 16, 240, 241, 1024, 2999, 3000}) {
    Digest pieces;
    pieces.update(std::string_view(text).substr(0, cut)).update(std::string_view(text).substr(cut));
    CHECK(pieces.hex() == digest(text));
    CHECK(digest({std::as_bytes(std::span(text).first(cut)), std::as_bytes(std::span(text).subspan(cut))}) ==
          digest(text));
  }
}

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

TEST_CASE("foreign text is shown on one line", "[base][utf8]") {
  CHECK(printable("a\nb\x7f\xc2\x85\xff\xc3\xa9") == "a\\x0ab\\x7f\\xc2\\x85\\xff\xc3\xa9");
  CHECK(printable("abcdef", 3) == "abc...");
  CHECK(is_name("\xc3\xa9 t"));
  CHECK(!is_name("a\tb"));
  CHECK(!is_name("\xc2\x9f"));
  CHECK(!is_name(std::string_view("\0", 1)));
}

}  // namespace cnf
