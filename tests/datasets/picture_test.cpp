#include "datasets/picture.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.hpp"

namespace cnf {
namespace {

std::unique_ptr<PictureDensity> parse(std::string_view text, bool invert = false) {
  return parse_picture(std::as_bytes(std::span(text)), "photo.pgm", invert);
}

std::string message_of(std::string_view text, bool invert = false) {
  try {
    parse(text, invert);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

double log_prob(const PictureDensity& picture, double x, double y) {
  return picture.log_prob((Batch(2, 1) << x, y).finished())[0];
}

/// 2 x 1 pixels, grey 8 bits, values 64 and 192; made with Python's zlib.
const unsigned char kGreyPng[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
    0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0xd1, 0x49, 0x20, 0x56, 0x00,
    0x00, 0x00, 0x0b, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x70, 0x38, 0x00, 0x00, 0x01, 0x43, 0x01,
    0x01, 0x96, 0xb5, 0x00, 0x9b, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};
/// 2 x 1 pixels, grey and alpha of 16 bits: (1000, 65535), (3000, 32767).
const unsigned char kDeepPng[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x00, 0x00, 0x01, 0x10, 0x04, 0x00, 0x00, 0x00, 0x0e, 0xbb, 0x6b, 0x42, 0x00, 0x00, 0x00, 0x11, 0x49,
    0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x60, 0x7e, 0xf1, 0xff, 0x3f, 0xf7, 0x8e, 0xfa, 0xff, 0x00, 0x15, 0xbf, 0x05,
    0x2b, 0xb8, 0x82, 0x1c, 0x04, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};
/// A header of 64 x 64 grey pixels and 100 MB of zeros in 630 kB of deflate: one literal, then "258 bytes, distance 1"
/// over and over (fixed codes, RFC 1951, 3.2.6).
std::string bomb_png() {
  std::string deflate("\x78\x01", 2);
  unsigned bits = 0;
  int n_bits = 0;
  const auto put = [&](unsigned value, int count) {
    for (; count > 0; --count, value >>= 1) {
      bits |= (value & 1) << n_bits;
      if (++n_bits < 8) continue;
      deflate += static_cast<char>(bits);
      bits = 0;
      n_bits = 0;
    }
  };
  put(0b011, 3);                                              // last block, fixed codes
  put(0b00001100, 8);                                         // literal 0: 00110000, first bit first
  for (int i = 0; i < 400000; ++i) put(0b0000010100011, 13);  // length 285: 11000101, distance 0: 00000
  put(0, 7);                                                  // end of block
  put(0, 7);
  const auto chunk = [](const std::string& type, const std::string& data) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(data.size() >> shift);
    return out + type + data + "----";  // the checksum is not looked at
  };
  using namespace std::string_literals;
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", "\0\0\0\x40\0\0\0\x40\x08\0\0\0\0"s) + chunk("IDAT", deflate) +
         chunk("IEND", "");
}

template <std::size_t N>
std::string_view text_of(const unsigned char (&bytes)[N]) {
  return {reinterpret_cast<const char*>(bytes), N};
}

}  // namespace

TEST_CASE("a picture is a density, constant on each pixel", "[datasets][picture]") {
  // 4 x 2 pixels of side 2 over [-4, 4] x [-2, 2]. The top row first.
  const auto picture = parse("P2 # grey\n4 2\n10\n0 1 2 3\n4 0 0 10\n");
  CHECK(picture->width() == 4);
  CHECK(picture->height() == 2);
  CHECK(picture->box().y0 == -2);
  CHECK(picture->box().y1 == 2);
  CHECK(log_prob(*picture, -1, 1) == Approx(std::log(1. / 20 / 4)).epsilon(1e-14));
  CHECK(log_prob(*picture, 3.9, 0.1) == Approx(std::log(3. / 20 / 4)).epsilon(1e-14));
  CHECK(log_prob(*picture, -3.9, -1.9) == Approx(std::log(4. / 20 / 4)).epsilon(1e-14));
  for (const auto& [x, y] : {std::pair{-3., 1.}, {0., -1.}, {-4.1, -1.}, {4.1, -1.}, {3., 2.1}, {3., -2.1}})
    CHECK(log_prob(*picture, x, y) == -INFINITY);
  double entropy = 0;
  for (const double w : {1., 2., 3., 4., 10.}) entropy -= w / 20 * std::log(w / 20 / 4);
  CHECK(picture->entropy() == Approx(entropy).epsilon(1e-14));
  const auto inverted = parse("P2 4 2 10 0 1 2 3 4 0 0 10", true);
  CHECK(log_prob(*inverted, -3, 1) == Approx(std::log(10. / 60 / 4)).epsilon(1e-14));
  CHECK(log_prob(*inverted, 3, -1) == -INFINITY);
}

TEST_CASE("points fall into pixels by weight and evenly within", "[datasets][picture][statistics]") {
  const auto picture = parse("P2 4 2 10 0 1 2 3 4 0 0 10");
  const Index n = 100000;
  const Batch x = picture->sample(Seed{9}, Purpose::data, 0, 0, n);
  const Eigen::ArrayXd log_p = picture->log_prob(x).array();
  CHECK(log_p.isFinite().all());
  const double se = std::sqrt((log_p - log_p.mean()).square().mean() / n);
  CHECK(std::abs(-log_p.mean() - picture->entropy()) < 4.5 * se);  // by chance once in 150 000 seeds
  // Each coordinate's place within its pixel is uniform: mean 1/2, variance 1/12, and 1/12 correlation of neither.
  const Eigen::ArrayXXd place = (x.array() / 2 - (x.array() / 2).floor());
  const double z = std::sqrt(12. * n);
  CHECK(std::abs(place.row(0).mean() - 0.5) * z < 4.5);
  CHECK(std::abs(place.row(1).mean() - 0.5) * z < 4.5);
  CHECK(std::abs(((place.row(0) - 0.5) * (place.row(1) - 0.5)).mean()) * 12 * std::sqrt(n) < 4.5);
  CHECK(x.rightCols(10) == picture->sample(Seed{9}, Purpose::data, 0, n - 10, 10));
}

TEST_CASE("P5 of one and two bytes and PNG equal their P2", "[datasets][picture]") {
  using namespace std::string_view_literals;
  const auto plain = parse("P2 2 1 255 64 192");
  CHECK(log_prob(*plain, 1, 0) == Approx(std::log(0.75 / 16)).epsilon(1e-14));
  for (const auto& other : {parse("P5\n2 1\n255\n\x40\xC0"sv), parse("P5 2 1 65535\n\x00\x40\x00\xC0"sv),
                            parse("P5 #c\n2 1 255 \x40\xC0\n"sv), parse(text_of(kGreyPng))}) {
    CHECK(other->entropy() == Approx(plain->entropy()).epsilon(1e-14));
    CHECK(log_prob(*other, -1, 0) == Approx(log_prob(*plain, -1, 0)).epsilon(1e-14));
  }
  // Alpha is a weight: 1000 * 65535 against 3000 * 32767.
  const double share = 1000. * 65535 / (1000. * 65535 + 3000. * 32767);
  CHECK(log_prob(*parse(text_of(kDeepPng)), -1, 0) == Approx(std::log(share / 16)).epsilon(1e-14));
}

TEST_CASE("damaged and hostile pictures are refused by name", "[datasets][picture]") {
  using namespace std::string_view_literals;
  const auto check = [](std::string_view text, const std::string& message) {
    CHECK(message_of(text) == "photo.pgm: " + message);
  };
  check("", "is empty, expected a PGM or PNG picture");
  check("GIF89a..", "begins with 'GIF89a..', expected a PGM (P2, P5) or PNG picture");
  check("P2", "expected width, a whole number, at byte 2");
  check("P2 4 -2 255", "expected height, a whole number, at byte 5");
  check("P2 4 2x 255", "expected largest value, a whole number, at byte 6");
  check("P2 99999 99999 255", "a picture of 99999 x 99999 pixels, expected 1 to 2^24 in all");
  check("P2 99999999999 1 255", "expected width, a whole number, at byte 3");
  check("P2 0 3 255", "a picture of 0 x 3 pixels, expected 1 to 2^24 in all");
  check("P2 1 1 0 0", "largest value 0, expected 1 to 65535");
  check("P2 1 1 70000 0", "largest value 70000, expected 1 to 65535");
  check("P2 2 1 255 7", "expected a pixel, a whole number, at byte 12");
  check("P2 2 1 10 7 11", "pixel value 11 before byte 14, expected at most 10");
  check("P2 2 1 10 7 8 9", "1 bytes after the picture, at byte 14");
  check("P5 2 2 255\n\x01\x02", "2 bytes of pixels at byte 11, expected 4");
  check("P5 2 2 255", "0 bytes of pixels at byte 11, expected 4");
  check("P5 1 1 255\n\x01\x02"sv, "1 bytes after the picture, at byte 12");
  CHECK(message_of("P2 2 1 9 0 0").starts_with("photo.pgm: every pixel has weight 0"));
  CHECK(message_of("P2 2 1 9 9 9", true).starts_with("photo.pgm: every pixel has weight 0"));
  check(text_of(kGreyPng).substr(0, 20), "the PNG's header is damaged");
  check(text_of(kGreyPng).substr(0, 50), "the PNG is damaged, or of a kind that cannot be read");
  check(bomb_png(), "the PNG is damaged, or of a kind that cannot be read");
  CHECK_THROWS_AS(read_picture("/nonexistent/photo.png"), InputError);
}

TEST_CASE("a picture is known by its extension", "[datasets][picture]") {
  CHECK(is_picture("a/b.pgm"));
  CHECK(is_picture("B.PNG"));
  CHECK_FALSE(is_picture("b.npy"));
  CHECK_FALSE(is_picture("png"));
}

}  // namespace cnf
