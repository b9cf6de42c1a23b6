// An array whose neighbours in memory cannot be touched.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <new>
#include <span>

#include "base/types.hpp"

namespace cnf {

/// n values between pages that cannot be touched, flush with the one behind or the one before; NaN at first.
template <class T>
class Guarded {
 public:
  explicit Guarded(Index n, bool flush_with_end = true) : size_(n) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = static_cast<std::size_t>(n) * sizeof(T), inside = (bytes + page - 1) / page * page;
    length_ = inside + 2 * page;
    base_ = mmap(nullptr, length_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base_ == MAP_FAILED) throw std::bad_alloc();
    char* first = static_cast<char*>(base_) + page;
    if (inside > 0 && mprotect(first, inside, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    data_ = reinterpret_cast<T*>(first + (flush_with_end ? inside - bytes : 0));
    std::fill_n(data_, n, std::numeric_limits<T>::quiet_NaN());
  }
  template <class S>
  explicit Guarded(std::span<const S> values, bool flush_with_end = true)
      : Guarded(static_cast<Index>(values.size()), flush_with_end) {
    std::transform(values.begin(), values.end(), data_, [](S x) { return static_cast<T>(x); });
  }
  ~Guarded() { munmap(base_, length_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() const { return data_; }
  Index size() const { return size_; }
  T& operator[](Index i) const { return data_[i]; }
  std::span<T> span() const { return {data_, static_cast<std::size_t>(size_)}; }

 private:
  Index size_;
  std::size_t length_;
  void* base_;
  T* data_;
};

}  // namespace cnf
