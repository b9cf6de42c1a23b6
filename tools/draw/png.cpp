#include "tools/draw/png.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory_resource>
#include <new>
#include <vector>

namespace {

/// What stb asks memory of: it does not look whether it got any, so what is missing is thrown, and all of it goes with
/// the pool.
thread_local std::pmr::memory_resource* pool = nullptr;
void* from_pool(std::size_t n) { return pool->allocate(n); }
void* larger_in_pool(void* old, std::size_t had, std::size_t n) {
  void* p = pool->allocate(n);
  if (old != nullptr) std::memcpy(p, old, std::min(had, n));
  return p;
}

}  // namespace

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STBIW_MALLOC(n) from_pool(n)
#define STBIW_REALLOC_SIZED(p, had, n) larger_in_pool(p, had, n)
#define STBIW_FREE(p) static_cast<void>(p)
#include <stb_image_write.h>

namespace cnf {

namespace {

using Sink = std::function<void(std::string_view)>;

constexpr int kBandBytes = 1 << 22;  // of pixels drawn at a time

std::array<char, 4> big_endian(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)};
}

/// A chunk: https://www.w3.org/TR/png-3/#5Chunk-layout
void send_chunk(const Sink& sink, std::string_view type, std::string_view data) {
  const auto sum = [](uLong crc, std::string_view text) {
    return text.empty() ? crc : crc32(crc, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  };
  const auto length = big_endian(static_cast<std::uint32_t>(data.size()));
  const auto crc = big_endian(static_cast<std::uint32_t>(sum(sum(crc32(0, nullptr, 0), type), data)));
  sink({length.data(), 4});
  sink(type);
  sink(data);
  sink({crc.data(), 4});
}

/// Rows of pixels into one zlib stream, piece by piece.
class Rows {
 public:
  Rows(Sink take, int width)
      : take_(std::move(take)), last_(3 * static_cast<std::size_t>(width)), row_(last_.size() + 1), best_(row_) {
    if (::deflateInit(&stream_, Z_DEFAULT_COMPRESSION) != Z_OK)
      throw std::bad_alloc();  // nothing else is wrong with it
  }
  ~Rows() { ::deflateEnd(&stream_); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  /// Filtered by whichever of none, sub and up leaves the least sum of absolute differences.
  void add(const std::uint8_t* pixels) {
    long least = -1;
    for (const int filter : {0, 1, 2}) {
      long sum = 0;
      row_[0] = static_cast<std::uint8_t>(filter);
      for (std::size_t i = 0; i < last_.size(); ++i) {
        const int before = filter == 0 ? 0 : filter == 2 ? last_[i] : i < 3 ? 0 : pixels[i - 3];
        row_[i + 1] = static_cast<std::uint8_t>(pixels[i] - before);
        sum += std::abs(static_cast<std::int8_t>(row_[i + 1]));
      }
      if (least >= 0 && sum >= least) continue;
      least = sum;
      best_.swap(row_);
    }
    std::copy_n(pixels, last_.size(), last_.begin());
    deflate(best_, Z_NO_FLUSH);
  }
  void finish() { deflate({}, Z_FINISH); }

 private:
  void deflate(std::span<std::uint8_t> bytes, int flush) {
    stream_.next_in = bytes.data();
    stream_.avail_in = static_cast<uInt>(bytes.size());
    for (int state = Z_OK; stream_.avail_in > 0 || (flush == Z_FINISH && state != Z_STREAM_END);) {
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      state = ::deflate(&stream_, flush);
      if (const std::size_t made = out_.size() - stream_.avail_out; made > 0) take_({out_.data(), made});
    }
  }

  Sink take_;
  z_stream stream_{};
  std::vector<std::uint8_t> last_, row_, best_;  ///< last_: the pixels above
  std::vector<char> out_ = std::vector<char>(std::size_t{1} << 16);
};

}  // namespace

void deflate_rows(int width, int height, const std::function<Canvas(int y, int h)>& band, const Sink& take) {
  Rows rows(take, width);
  const int step = std::max(1, kBandBytes / (3 * width));
  for (int y = 0; y < height; y += step) {
    const Canvas part = band(y, std::min(step, height - y));
    for (int row = 0; row < part.height(); ++row) rows.add(part.data() + 3 * static_cast<std::size_t>(row) * width);
  }
  rows.finish();
}

void encode_png(int width, int height, const std::function<Canvas(int y, int h)>& band, const Sink& sink) {
  if (long{width} * height <= kWholePixels) return sink(encode_png(band(0, height)));
  sink("\x89PNG\r\n\x1a\n");
  std::string header;
  for (const int side : {width, height}) header.append(big_endian(static_cast<std::uint32_t>(side)).data(), 4);
  header += {8, 2, 0, 0, 0};  // bits, RGB, deflate, filters, not interlaced
  send_chunk(sink, "IHDR", header);
  deflate_rows(width, height, band, [&](std::string_view bytes) { send_chunk(sink, "IDAT", bytes); });
  send_chunk(sink, "IEND", {});
}

void encode_png(const Drawing& picture, const Sink& sink) {
  encode_png(
      picture.width(), picture.height(), [&](int y, int h) { return picture.band(y, h); }, sink);
}

std::string encode_png(const Canvas& canvas) {
  std::pmr::monotonic_buffer_resource memory;
  pool = &memory;
  int size = 0;
  const unsigned char* bytes =
      stbi_write_png_to_mem(canvas.data(), 3 * canvas.width(), canvas.width(), canvas.height(), 3, &size);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

}  // namespace cnf
