// Invariants. Steps before held_ have stages and no state; of the others states_ keeps what the plan says. first_ has
// held_ + 1 entries: a step's slots and, for the slope at its end, the first of the next's.
#include "solvers/gradients/recording.hpp"

#include <algorithm>
#include <cstring>

namespace cnf {

namespace {

template <class T>
constexpr std::size_t kLine = 64 / sizeof(T);
template <class T>
std::size_t rounded(Index n) {
  return (static_cast<std::size_t>(n) + kLine<T> - 1) / kLine<T> * kLine<T>;
}

template <class Row>
int most_stages_of(const Row&) {
  return 1;  // no steps of it are recorded
}
template <class Row>
int history_of(const Row&) {
  return 0;
}
int most_stages_of(const Tableau& m) { return m.own_stages(); }
int most_stages_of(const AdamsMethod& m) { return std::max(m.start->own_stages(), m.step.own_stages()); }
template <class Row>
int extra_of(const Row&) {
  return 0;
}
int extra_of(const Tableau& m) { return m.extra_stages(); }
int extra_of(const AdamsMethod& m) { return m.start->extra_stages(); }
int most_stages_of(const ReversibleMethod& m) { return m.evaluations_per_step(); }
int history_of(const AdamsMethod& m) { return m.past.history; }

}  // namespace

SolveLength length_of(const SolveOptions& options) {
  const Index jumps = std::ssize(options.jumps);  // a step without length each, which fractions have already
  if (!options.fractions.empty()) return {std::ssize(options.fractions) - 1, 0};
  if (options.fixed_steps > 0) return {options.fixed_steps, 0, true};
  return {0, options.max_steps + jumps};
}

template <class T>
StepMemory step_memory(const Shape& shape, Index tape_size, const Method& method) {
  StepMemory step;
  int extra = 0;
  std::visit(
      [&](const auto* row) {
        extra = extra_of(*row);
        step.stages = most_stages_of(*row);
        step.history = history_of(*row);
        step.reversible = std::is_same_v<decltype(row), const ReversibleMethod*>;
      },
      method.row());
  const std::size_t k = rounded<T>(shape.size()), z = rounded<T>(shape.z()), q = rounded<T>(shape.q());
  const std::size_t slot = std::max(k + rounded<T>(tape_size) + (extra > 0 ? z : 0), kLine<T>);
  const auto S = static_cast<std::size_t>(step.stages), history = static_cast<std::size_t>(step.history);
  // Replay's stages, the slope at the end, a past and the step's ends, and the transpose's cotangents of all these.
  std::size_t work = (S + 1) * slot + history * z + 3 * z + (S + 4) * z + 2 * q + (history + 1) * (z + q) +
                     static_cast<std::size_t>(extra) * (slot + z) + z;
  if (step.reversible) work += 12 * z + 6 * q;  // the pair, where samples rest, and the cotangents of both
  step.slot = slot * sizeof(T);
  step.state = std::max(rounded<T>(shape.z() * (1 + step.history)), kLine<T>) * sizeof(T);
  step.work = work * sizeof(T);
  return step;
}

template <class T>
void Recording<T>::begin(const Shape& shape, Index tape_size, double t_begin, double t_end,
                         const SolveOptions& options) {
  rests_.clear();
  shape_ = shape;
  t_begin_ = t_begin;
  t_end_ = t_end;
  const SolveLength length = length_of(options);
  steps_ = 0;
  equal_ = length.equal ? length.steps : 0;
  on_grid_ = options.fixed_steps > 0 || !options.fractions.empty();
  ends_.clear();
  shares_.clear();
  jumps_.clear();
  rule_of_.clear();
  rules_.clear();
  first_.clear();
  first_.push_back(0);
  held_ = 0;
  const auto* const row = std::get_if<const ReversibleMethod*>(&options.method.row());
  reversible_ = row ? *row : nullptr;
  pair_.resize(reversible_ ? static_cast<std::size_t>(4 * shape.z() + shape.size()) : 0);
  rests_.reserve(reversible_ ? static_cast<std::size_t>(shape.B) : 0);
  step_ = step_memory<T>(shape, tape_size, options.method);
  k_size_ = rounded<T>(shape.size());
  stride_ = step_.slot / sizeof(T);
  z_at_ = k_size_ + rounded<T>(tape_size);
  if (z_at_ == stride_) z_at_ = 0;
  const std::size_t piece = plan_.slots.bytes;
  plan_ = plan_memory(step_, length, budget_);
  if (plan_.slots.bytes != piece) pieces_.clear();
  slots_ = plan_.tapes == 0 ? 0 : static_cast<std::size_t>(plan_.tapes * step_.stages + 1);
  const std::size_t most = (slots_ + plan_.slots.units - 1) / plan_.slots.units;
  const bool all = reserve_ && !reversible_;
  const std::size_t kept = all ? most + (budget_ - std::min(budget_, plan_.bytes)) / plan_.slots.bytes : most;
  if (pieces_.size() > kept) pieces_.resize(kept);
  states_.begin(step_.state, plan_.places, plan_.states, length.steps);
  if (!all) return;
  states_.reserve();
  while (pieces_.size() < kept) grow();
}

/// Memory that is the process's, not a promise of it.
template <class T>
void Recording<T>::grow() {
  pieces_.emplace_back(static_cast<std::byte*>(::operator new[](plan_.slots.bytes, std::align_val_t{64})));
  if (reserve_) std::memset(pieces_.back().get(), 0, plan_.slots.bytes);
}

template <class T>
void Recording<T>::open(const T* z, const StepRule& rule, const Past<T>& past) {
  const Index n = steps();
  std::size_t kind = 0;
  while (kind < rules_.size() && !(rules_[kind] == rule)) ++kind;
  if (kind == rules_.size()) rules_.push_back(rule);
  rule_of_.push_back(static_cast<unsigned char>(kind));
  const std::size_t end = first_[held_] + static_cast<std::size_t>(rule.stages());
  if (held_ == n && end < slots_) {
    while (pieces_.size() <= end / plan_.slots.units) grow();
    first_.push_back(static_cast<std::uint32_t>(end));
    ++held_;
    if (rule.extra() > 0) std::copy_n(z, shape_.z(), slot(n, 0) + z_at_);
    return;
  }
  T* const state = reinterpret_cast<T*>(states_.add(n));
  if (!state) return;
  std::copy_n(z, shape_.z(), state);
  for (int m = 1; m <= step_.history; ++m)
    if (past[m]) std::copy_n(past[m], shape_.z(), state + m * shape_.z());
}

template <class T>
std::vector<double> Recording<T>::fractions() const {
  std::vector<double> all(static_cast<std::size_t>(steps()) + 1);
  for (Index n = 0; n <= steps(); ++n) all[static_cast<std::size_t>(n)] = fraction(n);
  return all;
}

template <class T>
MemoryPlan Recording<T>::plan() const {
  MemoryPlan plan = plan_;
  plan.steps = steps();
  if (reversible_) {
    plan.again = static_cast<double>(plan.steps);
    return plan;
  }
  plan.tapes = held_;
  plan.states = states_.kept();
  plan.kind = held_ == plan.steps                 ? MemoryPlan::Kind::tape
              : held_ + plan.states == plan.steps ? MemoryPlan::Kind::states
                                                  : MemoryPlan::Kind::checkpoints;
  plan.again = states_.again(plan.steps);
  plan.bytes = (plan.kind == MemoryPlan::Kind::tape ? 0 : step_.work) + first_[held_] * step_.slot +
               static_cast<std::size_t>(plan.states) * (step_.state + kPlaceBytes) +
               static_cast<std::size_t>(plan.steps) * (equal_ > 0 ? kEqualMarkBytes : kMarkBytes);
  return plan;
}

template StepMemory step_memory<float>(const Shape&, Index, const Method&);
template StepMemory step_memory<double>(const Shape&, Index, const Method&);
template class Recording<float>;
template class Recording<double>;

}  // namespace cnf
