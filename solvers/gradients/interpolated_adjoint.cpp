#include "solvers/gradients/interpolated_adjoint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "solvers/gradients/adjoint_legs.hpp"

namespace cnf {

namespace {

/// z at the times of a leg: its dynamics' own, or over spans each sample's from t0 (0) to t1 (1).
template <class T>
struct Places {
  const DenseTrack<T>& track;
  Shape shape;
  std::span<const double> t0{}, t1{};

  void operator()(double t, T* z) const {
    if (t0.empty()) return track(t, 0, shape.B, z);
    for (Index b = 0; b < shape.B; ++b) {
      const auto k = static_cast<std::size_t>(b);
      track(t == 1 ? t1[k] : t0[k] + t * (t1[k] - t0[k]), b, 1, z + b * shape.blocks.z);
    }
  }
};

/// One evaluation of what the adjoint needs: at time t with cotangents a and w_q, of z there.
template <class T>
class Pullback {
 public:
  Pullback(const Dynamics<T>& f, const Places<T>& places) : f_(f), places_(places) {}

  /// Adds to z_bar and params_bar.
  void operator()(double t, Tile<T> a, Tile<T> w_q, Out<T> z_bar, std::span<T> params_bar, Scratch& scratch) const {
    const Shape& shape = places_.shape;
    const Index D = shape.blocks.z, B = shape.B;
    const Scratch::Frame frame(scratch);
    T* const z = scratch.take<T>(D * B);
    T* const k = scratch.take<T>(shape.size());
    T* const tape = scratch.take<T>(f_.tape_size(B));
    places_(t, z);
    evaluate(f_, shape, t, z, k, tape, scratch);
    T t_bar = 0;
    f_.vjp(tape, a, w_q, z_bar, std::span<T>(&t_bar, 1), params_bar, scratch);
  }

 private:
  const Dynamics<T>& f_;
  const Places<T>& places_;
};

/// da/dt, where the dynamics' own values and parameters do not matter.
template <class T>
class AdjointAlone final : public Dynamics<T> {
 public:
  AdjointAlone(const Dynamics<T>& f, const Places<T>& places, Tile<T> w_q)
      : size_(f.gradient_size()), D_(f.blocks().z), pull_(f, places), w_q_(w_q) {}

  Blocks blocks() const override { return {D_, 0, 0}; }
  Index tape_size(Index) const override { return 0; }
  void forward(Times<T> t, Tile<T> a, Out<T> da, Out<T>, std::span<T>, T*, Scratch& scratch) const override {
    const Scratch::Frame frame(scratch);
    T* const unused = scratch.take<T>(size_);
    std::fill_n(unused, size_, T{0});
    da.setZero();
    pull_(static_cast<double>(t[0]), a, w_q_, da, {unused, static_cast<std::size_t>(size_)}, scratch);
    da = -da;
  }

 private:
  const Index size_, D_;
  const Pullback<T> pull_;
  const Tile<T> w_q_;
};

/// Gauss and Legendre's points and weights on [0, 1], by Newton's method on the polynomial.
struct Gauss {
  static constexpr int kMost = 8;
  int points;
  std::array<double, kMost> x{}, w{};

  explicit Gauss(int n) : points(n) {
    for (int i = 0; i < n; ++i) {
      double y = std::cos(std::numbers::pi * (i + 0.75) / (n + 0.5)), slope = 1;
      for (int step = 0; step < 10; ++step) {
        double p = 1, before = 0;
        for (int k = 0; k < n; ++k) {
          const double next = ((2 * k + 1) * y * p - k * before) / (k + 1);
          before = p;
          p = next;
        }
        slope = n * (y * p - before) / (y * y - 1);
        y -= p / slope;
      }
      x[static_cast<std::size_t>(i)] = (1 - y) / 2;
      w[static_cast<std::size_t>(i)] = 1 / ((1 - y * y) * slope * slope);
    }
  }
};

/// Adds the parameters' gradient of every step of a.
template <class T>
class Quadrature final : public StepListener<T> {
 public:
  Quadrature(const Dynamics<T>& f, const Places<T>& places, Tile<T> w_q, const Method& method, std::span<T> params_bar,
             Scratch& scratch, Counters& counters)
      : rule_(std::clamp((method.order() + 1) / 2, 1, Gauss::kMost)),
        shape_(places.shape),
        pull_(f, places),
        w_q_(w_q),
        params_bar_(params_bar),
        scratch_(scratch),
        counters_(counters) {}

  bool wants(double, double) override { return true; }
  Next look(const DenseStep<T>& step, T*) override {
    const Scratch::Frame frame(scratch_);
    const Index D = shape_.blocks.z, B = shape_.B, nq = shape_.q();
    T *const a = scratch_.take<T>(D * B), *const unused = scratch_.take<T>(D * B), *const w = scratch_.take<T>(nq);
    std::fill_n(unused, D * B, T{0});
    for (int i = 0; i < rule_.points; ++i) {
      const double theta = rule_.x[static_cast<std::size_t>(i)], h = step.t_next - step.t;
      const T weight = static_cast<T>(-h * rule_.w[static_cast<std::size_t>(i)]);  // a goes backwards
      step(theta, 0, D * B, a);
      for (Index r = 0; r < D * B; ++r) a[r] *= weight;
      for (Index r = 0; r < nq; ++r) w[r] = weight * w_q_.data()[r];
      pull_(step.t + theta * h, Tile<T>(a, D, B), Tile<T>(w, w_q_.rows(), B), Out<T>(unused, D, B), params_bar_,
            scratch_);
      ++counters_.evaluations;
    }
    return Next::go_on;
  }

 private:
  const Gauss rule_;
  const Shape shape_;
  const Pullback<T> pull_;
  const Tile<T> w_q_;
  const std::span<T> params_bar_;
  Scratch& scratch_;
  Counters& counters_;
};

template <class T>
class Interpolated final : public AdjointLegs<T> {
  using Legs = AdjointLegs<T>;
  using Legs::a_, Legs::at_, Legs::counters_, Legs::gradient_, Legs::scratch_, Legs::shape_, Legs::to_, Legs::w_,
      Legs::z_;

 public:
  Interpolated(const Dynamics<T>& dynamics, const DenseTrack<T>& track, const typename Legs::Way& way,
               const Cotangents<T>& w, const SolveOptions& options, SolveGradient<T>& gradient, Scratch& scratch,
               Counters& counters)
      : Legs("interpolated_adjoint", dynamics, gradient.z_bar.cols(), way, w, options, gradient, scratch, counters),
        track_(track) {
    arrive();
  }

 private:
  void arrive() override {
    for (Index b = 0; b < shape_.B; ++b)
      track_(at_[static_cast<std::size_t>(b)], b, 1, z_.data() + b * shape_.blocks.z);
  }

  Status carry(const Dynamics<T>& f, double t, double t_next, const SolveOptions& options, bool spans) override {
    const Index D = shape_.blocks.z, B = shape_.B;
    Places<T> places{track_, shape_};
    if (spans) places.t0 = to_, places.t1 = at_;
    const Tile<T> w_q(w_.q.data(), shape_.blocks.q, B);
    const Scratch::Frame frame(scratch_);
    const std::span<T> bar = this->template take<T>(f.gradient_size());
    std::fill(bar.begin(), bar.end(), T{0});
    Quadrature<T> quadrature(f, places, w_q, options.method, bar, scratch_, counters_);
    State<T> state({D, 0, 0}, B);
    std::copy(a_.begin(), a_.end(), state.values.data());
    const Status end = integrate(AdjointAlone<T>(f, places, w_q), t, t_next, state, options, scratch_, counters_,
                                 {.listener = &quadrature});
    if (!end.ok()) return end;
    std::copy_n(state.values.data(), a_.size(), a_.begin());
    for (std::size_t i = 0; i < gradient_.params_bar.size(); ++i) gradient_.params_bar[i] += bar[i];
    return end;
  }

  const DenseTrack<T>& track_;
};

}  // namespace

template <class T>
Status interpolated_adjoint(const Dynamics<T>& dynamics, const DenseTrack<T>& track, double t_begin, double t_end,
                            std::span<const Observation> observations, const Cotangents<T>& w,
                            const SolveOptions& options, SolveGradient<T>& gradient, Scratch& scratch,
                            Counters& counters) {
  const Scratch::Frame frame(scratch);
  Interpolated<T> back(dynamics, track, {t_begin, t_end, observations}, w, options, gradient, scratch, counters);
  return back();
}

#define CNF_INSTANTIATE(T)                                                                                      \
  template Status interpolated_adjoint(const Dynamics<T>&, const DenseTrack<T>&, double, double,                \
                                       std::span<const Observation>, const Cotangents<T>&, const SolveOptions&, \
                                       SolveGradient<T>&, Scratch&, Counters&);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
