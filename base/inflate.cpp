#include "base/inflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;

/// The members of a gzip file, one behind the other, and zeros behind them, as gzip(1) takes them.
class Gunzip final : public ByteStream {
 public:
  Gunzip(ByteSource source, const UnpackLimit& limit) : inflate_(std::move(source), 15 + 16), limit_(limit) {}

  std::size_t read_some(std::span<std::byte> out) override {
    if (out.empty()) return 0;
    for (;;) {
      if (inflate_.ended() && !next_member()) return 0;
      const std::size_t n = inflate_.read_some(out);
      if (!limit_.allows(inflate_.unpacked(), inflate_.packed()))
        inflate_.fail("unpacks to more than " + std::to_string(limit_.ratio) + " times its size", kUnpackHelp);
      if (n > 0) return n;
    }
  }

 private:
  bool next_member() {
    std::byte next{};
    if (!inflate_.next_byte(next)) return false;
    if (next == std::byte{0x1f}) {
      inflate_.begin_anew();
      return true;
    }
    for (; inflate_.next_byte(next); inflate_.skip_byte())
      if (next != std::byte{0}) inflate_.fail("bytes behind the packed data that are none");
    return false;
  }

  Inflate inflate_;
  UnpackLimit limit_;
};

}  // namespace

struct Inflate::State {
  z_stream z{};
  std::vector<std::byte> piece = std::vector<std::byte>(kPiece);
};

Inflate::Inflate(ByteSource in, int window_bits) : in_(std::move(in)), state_(std::make_unique<State>()) {
  if (inflateInit2(&state_->z, window_bits) != Z_OK) throw std::bad_alloc();
}
Inflate::~Inflate() { inflateEnd(&state_->z); }

bool Inflate::fill() {
  z_stream& z = state_->z;
  if (z.avail_in > 0) return true;
  z.avail_in = static_cast<uInt>(in_.read_some(state_->piece));
  z.next_in = reinterpret_cast<Bytef*>(state_->piece.data());
  return z.avail_in > 0;
}

std::size_t Inflate::read_some(std::span<std::byte> out) {
  z_stream& z = state_->z;
  while (!ended_ && !out.empty()) {
    if (!fill()) fail("truncated: the packed data end early");
    const auto room = static_cast<uInt>(std::min<std::size_t>(out.size(), std::size_t{1} << 30));
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = room;
    const int result = ::inflate(&z, Z_NO_FLUSH);
    const std::size_t n = room - z.avail_out;
    unpacked_ += n;
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result == Z_STREAM_END)
      ended_ = true;
    else if (result != Z_OK && result != Z_BUF_ERROR)
      fail("damaged: the packed data cannot be unpacked (" + printable(z.msg != nullptr ? z.msg : "no reason", 60) +
           ")");
    if (n > 0) return n;
  }
  return 0;
}

bool Inflate::next_byte(std::byte& byte) {
  if (!fill()) return false;
  byte = std::byte{*state_->z.next_in};
  return true;
}

void Inflate::begin_anew() {
  inflateReset(&state_->z);
  ended_ = false;
}

void Inflate::skip_byte() {
  ++state_->z.next_in;
  --state_->z.avail_in;
}

std::uint64_t Inflate::packed() const { return in_.offset() - state_->z.avail_in; }
std::uint64_t Inflate::unpacked() const { return unpacked_; }
void Inflate::fail(const std::string& what, const std::string& help) const { in_.fail(what, packed(), help); }

ByteSource unpacked(ByteSource source, const UnpackLimit& limit) {
  const std::span<const std::byte> first = source.peek(2);
  if (first.size() < 2 || first[0] != std::byte{0x1f} || first[1] != std::byte{0x8b}) return source;
  const std::string name = source.name();
  return ByteSource(std::make_unique<Gunzip>(std::move(source), limit), name);
}

}  // namespace cnf
