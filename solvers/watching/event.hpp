// Where paths cross a surface: found inside the steps, sample by sample, and there the sample ends.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "solvers/dense_step.hpp"
#include "solvers/step.hpp"
#include "solvers/watching/observation.hpp"

namespace cnf {

/// Which way g goes through 0, along the solve.
enum class Crossing { any, rising, falling };

/// A sample ends where g(t, z) becomes 0. z: one sample's D values.
template <class T>
struct Event {
  std::function<double(double t, std::span<const T> z)> g;
  Crossing crossing = Crossing::any;
  /// Sets g_z to dg/dz (D values) and returns dg/dt. May be left out where nothing is differentiated; dual_event
  /// (dual_event.hpp) finds it by itself.
  std::function<double(double t, std::span<const T> z, std::span<T> g_z)> gradient{};
};

/// The event z[row] = level, with its gradient.
template <class T>
Event<T> level_event(Index row, double level = 0, Crossing crossing = Crossing::any);

/// Throws std::invalid_argument, "WHO: event i ...", for an event without g, or without gradient if that is needed.
template <class T>
void check_events(const char* who, std::span<const Event<T>> events, bool gradients);

/// x in [a, b], to rounding, where f changes its sign: f(x) is 0 or has the sign of f(b) = fb. f(a) = fa has the other.
/// Cost    3 to 10 evaluations for what is smooth, never more than bisection and one.
/// Source  Oliveira and Takahashi (2021), ACM Trans. Math. Softw. 47(1), article 5 (ITP), by their constants.
double find_root(const std::function<double(double)>& f, double a, double fa, double b, double fb);

/// Ends samples of one solve at their first event: there the columns of z and q stand still to the end of the solve,
/// which is the end of the last sample. `active` is SolveExtras::active of the solve as well.
///
/// Found   g is looked at in every step's end and `scan` equidistant points inside, and its root on the dense step is
///         found where its sign changes: two roots between two such points are missed. The state is that of the dense
///         step, and has crossed: g is 0 or has the new sign. If g is 0 at the start, its first sign counts as that of
///         the start; to reach 0 exactly is to cross it. A g of NaN has no sign.
///         The steps go beyond an event before it is found: f has to have values there, some way on.
/// Error   of the time: that of z there over |dg/dt| along the path. The dense step has Method::dense_order().
/// Cost    what the method's dense output costs, and `scan` sums over its terms, a step. Nothing is allocated.
template <class T>
class EventFinder final : public StepListener<T> {
 public:
  struct Found {
    Index sample;
    int event;
    double at;  ///< the solve's time
    StepPoint where;
  };

  /// t_end: of the solve.  t0, t1: what the solve's time 0 and 1 is for each sample, as for SpanDynamics; empty: it is
  /// the samples' own.
  EventFinder(std::span<const Event<T>> events, int scan, const Shape& shape, double t_end, std::span<char> active,
              std::span<const double> t0 = {}, std::span<const double> t1 = {});

  bool wants(double, double) override {
    ++step_;
    return true;
  }
  Next look(const DenseStep<T>& step, T* y) override;

  std::span<const Found> found() const { return found_; }  ///< in the order of their steps
  /// At the event of every sample that has one: its state, and the derivative of the dense step by the solve's time.
  Tile<T> z() const { return {z_.data(), shape_.blocks.z, shape_.B}; }
  Tile<T> slope() const { return {slope_.data(), shape_.blocks.z, shape_.B}; }

 private:
  double time(Index b, double at) const;
  double value(int event, Index b, double at, const T* z) const;
  void pass(const DenseStep<T>& step, Index b, double before, double theta);
  double root(const DenseStep<T>& step, int event, Index b, double before, double theta, double value_at_theta);
  void end(const DenseStep<T>& step, Index b, int event, double theta);
  void hold(T* y, bool last) const;

  std::span<const Event<T>> events_;
  int scan_;
  Shape shape_;
  double t_end_;
  std::span<char> active_;
  std::span<const double> t0_, t1_;
  Index left_ = 0, step_ = -1;
  std::vector<signed char> sign_;  ///< the last sign of each g, by sample
  std::vector<Found> found_;
  std::vector<T> here_, column_;  ///< z at a point of the step: of the tile, of one sample
  std::vector<T> z_, q_, slope_;
};

}  // namespace cnf
