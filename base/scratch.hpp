// Scratch memory of one worker: taken like a stack, kept between solves, so that a step allocates nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

namespace cnf {

/// A stack of 64-byte aligned arrays. The first solve grows it; later ones of the same shape allocate nothing.
/// Use: `const Scratch::Frame frame(scratch);` then `take`; everything taken since is given back with the frame.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// n uninitialised values, aligned to 64 bytes, valid until the innermost Frame ends.
  template <class T>
  T* take(std::ptrdiff_t n) {
    static_assert(std::is_trivial_v<T>);
    const std::size_t bytes = (static_cast<std::size_t>(n) * sizeof(T) + kAlign - 1) / kAlign * kAlign;
    while (chunk_ < chunks_.size() && used_ + bytes > chunks_[chunk_].size) {
      ++chunk_;
      used_ = 0;
    }
    if (chunk_ == chunks_.size()) grow(bytes);
    std::byte* at = chunks_[chunk_].data.get() + used_;
    used_ += bytes;
    return reinterpret_cast<T*>(at);
  }

  class Frame {
   public:
    explicit Frame(Scratch& scratch) : scratch_(scratch), chunk_(scratch.chunk_), used_(scratch.used_) {}
    ~Frame() {
      scratch_.chunk_ = chunk_;
      scratch_.used_ = used_;
    }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

   private:
    Scratch& scratch_;
    std::size_t chunk_, used_;
  };

 private:
  static constexpr std::size_t kAlign = 64;
  static constexpr std::size_t kFirstChunk = std::size_t{1} << 20;
  struct Free {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{kAlign}); }
  };
  struct Chunk {
    std::unique_ptr<std::byte[], Free> data;
    std::size_t size;
  };

  void grow(std::size_t bytes) {
    std::size_t size = chunks_.empty() ? kFirstChunk : 2 * chunks_.back().size;
    if (size < bytes) size = bytes;
    chunks_.push_back(
        {std::unique_ptr<std::byte[], Free>(static_cast<std::byte*>(::operator new[](size, std::align_val_t{kAlign}))),
         size});
    used_ = 0;
  }

  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0, used_ = 0;
};

}  // namespace cnf
