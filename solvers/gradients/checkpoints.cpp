// Invariants. places_ ascend by step. While steps come online, [dead_, run_) have given their slots away, and
// [run_, run_end_) are of a lower level than a later one: each may give way. Levels do not rise along the others. While
// steps go back, places after cursor_ lie behind.
#include "solvers/gradients/checkpoints.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "solvers/gradients/memory_plan.hpp"

namespace cnf {

void Checkpoints::begin(std::size_t state_bytes, const Pieces& pieces, Index capacity, Index steps) {
  if (pieces.bytes != piece_.bytes) pieces_.clear();
  piece_ = pieces;
  state_bytes_ = state_bytes;
  capacity_ = capacity;
  const auto most = (static_cast<std::size_t>(capacity) + piece_.units - 1) / piece_.units;
  if (pieces_.size() > most) pieces_.resize(most);
  known_ = steps > 0;
  next_ = 0;
  left_ = steps;
  places_.clear();
  dead_ = run_ = run_end_ = cursor_ = 0;
  used_ = 0;
}

std::byte* Checkpoints::at(std::uint32_t slot) const {
  return pieces_[slot / piece_.units].get() + slot % piece_.units * state_bytes_;
}

void Checkpoints::grow() {
  pieces_.emplace_back(static_cast<std::byte*>(::operator new[](piece_.bytes, std::align_val_t{64})));
}

void Checkpoints::reserve() {
  while (pieces_.size() * piece_.units < static_cast<std::size_t>(capacity_)) {
    grow();
    std::memset(pieces_.back().get(), 0, piece_.bytes);
  }
}

/// A slot that no state has had yet.
std::uint32_t Checkpoints::fresh() {
  if (used_ == pieces_.size() * piece_.units) grow();
  return used_++;
}

std::byte* Checkpoints::add(Index step) {
  if (capacity_ == 0) return nullptr;
  if (places_.empty()) next_ = step;
  return known_ ? planned(step) : online(step);
}

std::byte* Checkpoints::planned(Index step) {
  if (step != next_) return nullptr;
  const Index room = capacity_ - static_cast<Index>(used_);
  if (room > 1 && left_ > 1) {
    const Index m = binomial::split(left_, room);
    next_ += m;
    left_ -= m;
  } else {
    next_ = -1;
  }
  places_.push_back({step, fresh(), 0});
  return at(places_.back().slot);
}

std::byte* Checkpoints::online(Index step) {
  if (static_cast<Index>(used_) < capacity_) {
    const std::uint32_t level = places_.empty() ? std::numeric_limits<std::uint32_t>::max() : 0;
    places_.push_back({step, fresh(), level});
    return at(places_.back().slot);
  }
  std::uint32_t level = 0;
  if (run_ == run_end_) {  // the new state's level is one higher than the last one's: those like it may give way
    drop_dead();
    if (places_.size() == 1) return nullptr;
    level = places_.back().level + 1;
    run_end_ = dead_ = run_ = places_.size();
    while (run_ > 1 && places_[run_ - 1].level < level) --run_;
    dead_ = run_;
  }
  const std::uint32_t slot = places_[run_++].slot;
  places_.push_back({step, slot, level});
  return at(slot);
}

void Checkpoints::drop_dead() {
  places_.erase(places_.begin() + static_cast<std::ptrdiff_t>(dead_),
                places_.begin() + static_cast<std::ptrdiff_t>(run_));
  run_end_ -= run_ - dead_;
  run_ = dead_;
}

void Checkpoints::rewind() {
  drop_dead();
  cursor_ = places_.empty() ? 0 : places_.size() - 1;
}

Index Checkpoints::seek(Index step) {
  while (places_[cursor_].step > step) --cursor_;
  return places_[cursor_].step;
}

Index Checkpoints::free() const {
  return capacity_ - static_cast<Index>(used_) + static_cast<Index>(places_.size() - 1 - cursor_);
}

std::byte* Checkpoints::put(Index step) {
  ++cursor_;
  if (cursor_ < places_.size())
    places_[cursor_].step = step;
  else
    places_.push_back({step, fresh(), 0});
  return at(places_[cursor_].slot);
}

double Checkpoints::again(Index steps) const {
  double sum = 0;
  Index end = steps;
  for (std::size_t i = places_.size(); i-- > 0;) {
    if (i >= dead_ && i < run_) continue;
    const std::size_t before = i < run_ ? i : i - (run_ - dead_);
    const Index length = end - places_[i].step;
    sum += binomial::advances(length, capacity_ - static_cast<Index>(before)) + static_cast<double>(length);
    end = places_[i].step;
  }
  return sum;
}

}  // namespace cnf
