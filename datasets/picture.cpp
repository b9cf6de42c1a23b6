#include "datasets/picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/byte_source.hpp"
#include "base/error.hpp"
#include "base/utf8.hpp"

namespace {

// stb_image inflates what a file says; a block larger than the picture needs is refused.
thread_local std::size_t largest_block = 0;
thread_local bool starved = false;  ///< a block was not too large, and could not be had
void* known(void* p) {
  starved |= p == nullptr;
  return p;
}
void* bounded_malloc(std::size_t n) { return n <= largest_block ? known(std::malloc(n)) : nullptr; }
void* bounded_realloc(void* p, std::size_t n) { return n <= largest_block ? known(std::realloc(p, n)) : nullptr; }

}  // namespace

// stb_image copies an empty IDAT to a null pointer, of which a compiler may then believe that it is none.
static void* copy_some(void* to, const void* from, std::size_t n) { return n > 0 ? std::memcpy(to, from, n) : to; }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_FAILURE_STRINGS
#define STBI_MALLOC(n) bounded_malloc(n)
#define STBI_REALLOC(p, n) bounded_realloc(p, n)
#define STBI_FREE(p) std::free(p)
#define memcpy(to, from, n) copy_some(to, from, n)
#include <stb_image.h>
#undef memcpy
#pragma GCC diagnostic pop

namespace cnf {
namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 28;
constexpr Index kMaxPixels = Index{1} << 24;

[[noreturn]] void fail(std::string_view name, const std::string& what) {
  throw InputError(printable(name) + ": " + what);
}

void check_size(std::string_view name, std::int64_t width, std::int64_t height) {
  if (width < 1 || height < 1 || width > kMaxPixels || height > kMaxPixels / width)
    fail(name, "a picture of " + std::to_string(width) + " x " + std::to_string(height) +
                   " pixels, expected 1 to 2^24 in all");
}

/// Netpbm's grey map: https://netpbm.sourceforge.net/doc/pgm.html. One picture per file.
class Pgm {
 public:
  Pgm(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  std::unique_ptr<PictureDensity> parse(bool invert) {
    const bool binary = at(1) == '5';
    at_ = 2;
    const std::int64_t width = number("width"), height = number("height"), most = number("largest value");
    check_size(name_, width, height);
    if (most < 1 || most > 65535) fail(name_, "largest value " + std::to_string(most) + ", expected 1 to 65535");
    const std::size_t pixels = static_cast<std::size_t>(width * height), item = most < 256 ? 1 : 2;
    std::vector<std::uint64_t> weights;  // as many as there are bytes for, whatever the size claims
    if (binary) {
      ++at_;  // one blank, then the pixels
      const std::size_t left = bytes_.size() - std::min(at_, bytes_.size());
      if (left < pixels * item)
        fail(name_, std::to_string(left) + " bytes of pixels at byte " + std::to_string(at_) + ", expected " +
                        std::to_string(pixels * item));
      weights.resize(pixels);
      for (std::uint64_t& weight : weights) {
        for (std::size_t k = 0; k < item; ++k) weight = weight << 8 | static_cast<std::uint8_t>(bytes_[at_++]);
        check_value(static_cast<std::int64_t>(weight), most);
      }
    } else {
      while (weights.size() < pixels) {
        const std::int64_t value = number("a pixel");
        check_value(value, most);
        weights.push_back(static_cast<std::uint64_t>(value));
      }
    }
    skip_blanks();
    if (at_ < bytes_.size())
      fail(name_, std::to_string(bytes_.size() - at_) + " bytes after the picture, at byte " + std::to_string(at_));
    if (invert)
      for (std::uint64_t& weight : weights) weight = static_cast<std::uint64_t>(most) - weight;
    return std::make_unique<PictureDensity>(std::string(name_), width, height, std::move(weights));
  }

 private:
  char at(std::size_t i) const { return i < bytes_.size() ? static_cast<char>(bytes_[i]) : '\0'; }
  void skip_blanks() {
    const auto is_blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (at_ < bytes_.size() && (is_blank(at(at_)) || at(at_) == '#')) {
      if (at(at_) == '#')
        while (at_ < bytes_.size() && at(at_) != '\n' && at(at_) != '\r') ++at_;
      else
        ++at_;
    }
  }
  std::int64_t number(const char* what) {
    skip_blanks();
    std::int64_t value = 0;
    const std::size_t begin = at_;
    while (at(at_) >= '0' && at(at_) <= '9' && at_ - begin < 10) value = 10 * value + (at(at_++) - '0');
    if (at_ == begin || at_ - begin == 10)
      fail(name_, "expected " + std::string(what) + ", a whole number, at byte " + std::to_string(begin));
    return value;
  }
  void check_value(std::int64_t value, std::int64_t most) const {
    if (value > most)
      fail(name_, "pixel value " + std::to_string(value) + " before byte " + std::to_string(at_) +
                      ", expected at most " + std::to_string(most));
  }

  std::span<const std::byte> bytes_;
  std::string_view name_;
  std::size_t at_ = 0;
};

template <class Value>
std::unique_ptr<PictureDensity> weigh(std::string_view name, int width, int height, Value* pixels, bool invert) {
  const std::unique_ptr<Value, void (*)(void*)> owner(pixels, std::free);
  if (pixels == nullptr && starved) throw std::bad_alloc();
  if (pixels == nullptr) fail(name, "the PNG is damaged, or of a kind that cannot be read");
  constexpr std::uint64_t kWhite = std::numeric_limits<Value>::max();
  std::vector<std::uint64_t> weights(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = (invert ? kWhite - pixels[2 * i] : pixels[2 * i]) * std::uint64_t{pixels[2 * i + 1]};
  return std::make_unique<PictureDensity>(std::string(name), width, height, std::move(weights));
}

std::unique_ptr<PictureDensity> parse_png(std::span<const std::byte> bytes, std::string_view name, bool invert) {
  const stbi_uc* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = static_cast<int>(bytes.size());
  int width = 0, height = 0, channels = 0;
  largest_block = std::size_t{1} << 20;
  starved = false;
  if (!stbi_info_from_memory(data, size, &width, &height, &channels)) fail(name, "the PNG's header is damaged");
  check_size(name, width, height);
  // The largest: 4 channels of 16 bits and a filter byte per row; interlaced, up to 7 passes; the file's own bytes.
  largest_block = 2 * bytes.size() + 8 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height) +
                  8 * static_cast<std::size_t>(height + width) + (std::size_t{1} << 16);
  largest_block *= 2;  // inflating doubles its buffer
  if (stbi_is_16_bit_from_memory(data, size))
    return weigh(name, width, height, stbi_load_16_from_memory(data, size, &width, &height, &channels, 2), invert);
  return weigh(name, width, height, stbi_load_from_memory(data, size, &width, &height, &channels, 2), invert);
}

}  // namespace

PictureDensity::PictureDensity(std::string name, Index width, Index height, std::vector<std::uint64_t> weights)
    : name_(std::move(name)),
      width_(width),
      height_(height),
      pixel_(8. / static_cast<double>(width)),
      cumulative_(std::move(weights)) {
  if (width < 1 || height < 1 || static_cast<Index>(cumulative_.size()) != width * height)
    throw std::invalid_argument("PictureDensity: " + std::to_string(cumulative_.size()) + " weights for " +
                                std::to_string(width) + " x " + std::to_string(height) + " pixels");
  for (std::size_t i = 1; i < cumulative_.size(); ++i) cumulative_[i] += cumulative_[i - 1];
  if (cumulative_.back() == 0)
    throw InputError(printable(name_) + ": every pixel has weight 0, expected a picture that is not all one colour",
                     "the bright pixels are the heavy ones; inverted, the dark ones are");
  const double total = static_cast<double>(cumulative_.back());
  std::uint64_t before = 0;
  for (const std::uint64_t sum : cumulative_) {
    const std::uint64_t weight = sum - std::exchange(before, sum);
    const double p = static_cast<double>(weight) / total;
    if (weight > 0) entropy_ -= p * std::log(p / (pixel_ * pixel_));
  }
}

Box PictureDensity::box() const {
  const double y = 4 * static_cast<double>(height_) / static_cast<double>(width_);
  return {-4, 4, -y, y};
}

void PictureDensity::sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first,
                            Out<double> out) const {
  if (out.rows() != 2)
    throw std::invalid_argument("PictureDensity::sample: out has " + std::to_string(out.rows()) +
                                " rows, expected 2: points are columns");
  const double top = box().y1;
  const double total = static_cast<double>(cumulative_.back());
  for (Index i = 0; i < out.cols(); ++i) {
    const std::uint64_t point = first + static_cast<std::uint64_t>(i);
    // 64 random bits choose the pixel, two uniforms the place in it.
    const double u =
        (uniform(seed, purpose, step, point, 0) + 0x1p-32 * (uniform(seed, purpose, step, point, 1) - 0.5)) * total;
    const std::uint64_t rank = u <= 0 ? 0 : std::min(cumulative_.back() - 1, static_cast<std::uint64_t>(u));
    const Index pixel = std::upper_bound(cumulative_.begin(), cumulative_.end(), rank) - cumulative_.begin();
    const double column = static_cast<double>(pixel % width_) + uniform(seed, purpose, step, point, 2);
    const double row = static_cast<double>(pixel / width_) + uniform(seed, purpose, step, point, 3);
    out(0, i) = -4 + column * pixel_;
    out(1, i) = top - row * pixel_;
  }
}

Vector<double> PictureDensity::log_prob(const Eigen::Ref<const Batch>& x) const {
  if (x.rows() != 2)
    throw std::invalid_argument("PictureDensity::log_prob: x has " + std::to_string(x.rows()) +
                                " rows, expected 2: points are columns");
  const double top = box().y1, log_total = std::log(static_cast<double>(cumulative_.back()) * pixel_ * pixel_);
  Vector<double> out(x.cols());
  for (Index i = 0; i < x.cols(); ++i) {
    const double column = std::floor((x(0, i) + 4) / pixel_), row = std::floor((top - x(1, i)) / pixel_);
    std::uint64_t weight = 0;
    if (column >= 0 && column < static_cast<double>(width_) && row >= 0 && row < static_cast<double>(height_)) {
      const std::size_t pixel =
          static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(column);
      weight = cumulative_[pixel] - (pixel > 0 ? cumulative_[pixel - 1] : 0);
    }
    out[i] = weight > 0 ? std::log(static_cast<double>(weight)) - log_total : -std::numeric_limits<double>::infinity();
  }
  return out;
}

std::vector<std::byte> picture_bytes(const std::filesystem::path& path) {
  ByteSource file(path);
  if (file.size() && *file.size() > kMaxBytes)
    fail(path.string(), std::to_string(*file.size()) + " bytes, expected at most 256 MiB");
  return file.read_up_to(kMaxBytes + 1);
}

std::unique_ptr<PictureDensity> read_picture(const std::filesystem::path& path, bool invert) {
  return parse_picture(picture_bytes(path), path.string(), invert);
}

std::unique_ptr<PictureDensity> parse_picture(std::span<const std::byte> bytes, std::string_view name, bool invert) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (bytes.size() > kMaxBytes) fail(name, "more than 256 MiB");
  if (text.starts_with("P2") || text.starts_with("P5")) return Pgm(bytes, name).parse(invert);
  if (text.starts_with("\x89PNG\r\n\x1a\n")) return parse_png(bytes, name, invert);
  fail(name, bytes.empty()
                 ? "is empty, expected a PGM or PNG picture"
                 : "begins with '" + printable(text.substr(0, 8)) + "', expected a PGM (P2, P5) or PNG picture");
}

bool is_picture(const std::filesystem::path& path) {
  const std::string extension = lower(path.extension().string());
  return extension == ".pgm" || extension == ".png";
}

}  // namespace cnf
