// Invariants. left_ samples are active; sign_ is g's last sign, 0 while it has had none. A sample in found_ has its
// state in z_ and q_, which the ends of the steps after its own are set to: slopes kept from before the event still
// move it in a step. Its own step keeps the end it came to, whose slope the dense step has read; but that of the last
// step is the solve's.
#include "solvers/watching/event.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cnf {

namespace {

signed char sign_of(double g) { return static_cast<signed char>((g > 0) - (g < 0)); }

/// Whether leaving the sign `from` is a crossing that is asked for.
bool counts(Crossing crossing, signed char from) {
  return crossing == Crossing::any || (crossing == Crossing::rising ? from < 0 : from > 0);
}

}  // namespace

double find_root(const std::function<double(double)>& f, double a, double fa, double b, double fb) {
  constexpr double kHalf = 0x1p-52;  // of the interval that is left, in steps
  constexpr int kSlack = 1;
  const double pull = 0.2 / (b - a);
  const int halvings = std::max(0, static_cast<int>(std::ceil(std::log2((b - a) / (2 * kHalf)))));
  for (int j = 0; b - a > 2 * kHalf && j <= halvings + kSlack; ++j) {
    const double middle = (a + b) / 2, secant = (fb * a - fa * b) / (fb - fa);
    const double reach = kHalf * std::exp2(halvings + kSlack - j) - (b - a) / 2;
    const double off = std::isfinite(secant) ? middle - secant : 0, towards = off < 0 ? -1.0 : 1.0;
    const double shift = std::max(0.0, std::abs(off) - pull * (b - a) * (b - a));  // of the secant's, the middle's way
    const double x = middle - towards * std::min(shift, std::max(0.0, reach)), fx = f(x);
    if (fx == 0) return x;
    if (sign_of(fx) == sign_of(fb))
      b = x, fb = fx;
    else
      a = x, fa = fx;
  }
  return b;
}

template <class T>
Event<T> level_event(Index row, double level, Crossing crossing) {
  const auto k = static_cast<std::size_t>(row);
  return {[k, level](double, std::span<const T> z) { return static_cast<double>(z[k]) - level; }, crossing,
          [k](double, std::span<const T>, std::span<T> g_z) {
            std::fill(g_z.begin(), g_z.end(), T{0});
            g_z[k] = 1;
            return 0.0;
          }};
}

template <class T>
void check_events(const char* who, std::span<const Event<T>> events, bool gradients) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    const std::string name = std::string(who) + ": event " + std::to_string(i);
    if (!events[i].g) throw std::invalid_argument(name + " has no g");
    if (gradients && !events[i].gradient)
      throw std::invalid_argument(name + " has no gradient; give it one, or make it by dual_event");
  }
}

template <class T>
EventFinder<T>::EventFinder(std::span<const Event<T>> events, int scan, const Shape& shape, double t_end,
                            std::span<char> active, std::span<const double> t0, std::span<const double> t1)
    : events_(events), scan_(scan), shape_(shape), t_end_(t_end), active_(active), t0_(t0), t1_(t1) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("EventFinder: " + what); };
  check_events("EventFinder", events, false);
  if (scan < 0) refuse("scan is " + std::to_string(scan) + ", expected 0 or more");
  if (std::ssize(active) != shape.B)
    refuse(std::to_string(active.size()) + " flags for " + std::to_string(shape.B) + " samples");
  if (shape.blocks.s > 0) refuse("the dynamics has an s block, which no single sample's end can hold");
  left_ = static_cast<Index>(std::count_if(active.begin(), active.end(), [](char on) { return on != 0; }));
  const auto nz = static_cast<std::size_t>(shape.z());
  sign_.assign(events.size() * active.size(), 0);
  found_.reserve(active.size());
  for (std::vector<T>* memory : {&here_, &z_, &slope_}) memory->assign(nz, T{0});
  column_.assign(static_cast<std::size_t>(shape.blocks.z), T{0});
  q_.assign(static_cast<std::size_t>(shape.q()), T{0});
}

template <class T>
double EventFinder<T>::time(Index b, double at) const {
  if (t0_.empty()) return at;
  const auto k = static_cast<std::size_t>(b);
  return at == 1 ? t1_[k] : t0_[k] + at * (t1_[k] - t0_[k]);
}

template <class T>
double EventFinder<T>::value(int event, Index b, double at, const T* z) const {
  return events_[static_cast<std::size_t>(event)].g(time(b, at), {z, static_cast<std::size_t>(shape_.blocks.z)});
}

template <class T>
Next EventFinder<T>::look(const DenseStep<T>& step, T* y) {
  if (step_ == 0)
    for (Index b = 0; b < shape_.B; ++b)
      for (int e = 0; e < std::ssize(events_); ++e)
        sign_[static_cast<std::size_t>(e * shape_.B + b)] = sign_of(value(e, b, step.t, step.y + b * shape_.blocks.z));
  double before = 0;
  for (int i = 1; i <= scan_ + 1 && left_ > 0; ++i) {
    const double theta = i > scan_ ? 1.0 : static_cast<double>(i) / (scan_ + 1);
    step(theta, 0, shape_.z(), here_.data());
    for (Index b = 0; b < shape_.B; ++b)
      if (active_[static_cast<std::size_t>(b)]) pass(step, b, before, theta);
    before = theta;
  }
  hold(y, left_ == 0 || step.t_next == t_end_);
  return left_ == 0 ? Next::stop : Next::go_on;
}

/// Sets the samples that have ended to their ends, in the step at hand too if it is the solve's last.
template <class T>
void EventFinder<T>::hold(T* y, bool last) const {
  const Index D = shape_.blocks.z, Q = shape_.blocks.q;
  for (const Found& f : found_) {
    if (f.where.step == step_ && !last) continue;
    std::copy_n(z_.data() + f.sample * D, D, y + f.sample * D);
    std::copy_n(q_.data() + f.sample * Q, Q, y + shape_.z() + f.sample * Q);
  }
}

/// Sample b from one point looked at to the next, where its z is in here_.
template <class T>
void EventFinder<T>::pass(const DenseStep<T>& step, Index b, double before, double theta) {
  const double at = step.at(theta);
  double first = 2;
  int which = -1;
  for (int e = 0; e < std::ssize(events_); ++e) {
    const double g = value(e, b, at, here_.data() + b * shape_.blocks.z);
    signed char& sign = sign_[static_cast<std::size_t>(e * shape_.B + b)];
    const signed char now = sign_of(g);
    const bool left = sign != 0 && now != sign && !std::isnan(g);
    if (left && counts(events_[static_cast<std::size_t>(e)].crossing, sign)) {
      const double x = now == 0 ? theta : root(step, e, b, before, theta, g);
      if (x < first) first = x, which = e;
    }
    if (now != 0) sign = now;
  }
  if (which >= 0) end(step, b, which, first);
}

template <class T>
double EventFinder<T>::root(const DenseStep<T>& step, int event, Index b, double before, double theta,
                            double value_at_theta) {
  const Index D = shape_.blocks.z;
  const auto g = [&](double x) {
    step(x, b * D, D, column_.data());
    return value(event, b, step.at(x), column_.data());
  };
  return find_root(std::cref(g), before, g(before), theta, value_at_theta);
}

template <class T>
void EventFinder<T>::end(const DenseStep<T>& step, Index b, int event, double theta) {
  const Index D = shape_.blocks.z, Q = shape_.blocks.q;
  step(theta, b * D, D, z_.data() + b * D);
  step(theta, shape_.z() + b * Q, Q, q_.data() + b * Q);
  step.slope(theta, b * D, D, slope_.data() + b * D);
  found_.push_back({b, event, step.at(theta), {step_, theta}});
  active_[static_cast<std::size_t>(b)] = 0;
  --left_;
}

#define CNF_INSTANTIATE(T)                                                     \
  template Event<T> level_event<T>(Index, double, Crossing);                   \
  template void check_events<T>(const char*, std::span<const Event<T>>, bool); \
  template class EventFinder<T>;
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
