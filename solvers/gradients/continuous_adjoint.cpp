#include "solvers/gradients/continuous_adjoint.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "solvers/gradients/adjoint_legs.hpp"

namespace cnf {

template <class T>
void AdjointDynamics<T>::forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T>, std::span<T> ds, T*,
                                 Scratch& scratch) const {
  const Blocks rows = f_.blocks();
  const Index D = rows.z, B = z.cols();
  const Scratch::Frame frame(scratch);
  // The inner dynamics wants its blocks contiguous.
  Out<T> z_in(scratch.take<T>(D * B), D, B), a(scratch.take<T>(D * B), D, B), f(scratch.take<T>(D * B), D, B);
  Out<T> z_bar(scratch.take<T>(D * B), D, B), dq(scratch.take<T>(rows.q * B), rows.q, B);
  const auto s = static_cast<std::size_t>(rows.s);
  T* const tape = scratch.take<T>(f_.tape_size(B));
  z_in = z.topRows(D);
  a = z.bottomRows(D);
  f_.forward(t, Tile<T>(z_in.data(), D, B), f, dq, std::span<T>(scratch.take<T>(rows.s), s), tape, scratch);

  z_bar.setZero();
  const Index all = f_.gradient_size();
  const std::span<T> bar = kept_ == all ? ds : std::span<T>(scratch.take<T>(all), static_cast<std::size_t>(all));
  std::fill(bar.begin(), bar.end(), T{0});
  T* const t_bar = scratch.take<T>(static_cast<Index>(t.size()));
  std::fill_n(t_bar, t.size(), T{0});
  f_.vjp(tape, Tile<T>(a.data(), D, B), w_q_, z_bar, std::span<T>(t_bar, t.size()), bar, scratch);
  dz.topRows(D) = f;
  dz.bottomRows(D) = -z_bar;
  for (std::size_t i = 0; i < ds.size(); ++i) ds[i] = -bar[i];
}

namespace {

/// z and a together.
template <class T>
class Backward final : public AdjointLegs<T> {
  using Legs = AdjointLegs<T>;
  using Legs::a_, Legs::at_, Legs::counters_, Legs::gradient_, Legs::next_, Legs::scratch_, Legs::shape_, Legs::w_,
      Legs::z_;

 public:
  Backward(const Dynamics<T>& dynamics, const Path<T>& path, const Cotangents<T>& w, const SolveOptions& options,
           SolveGradient<T>& gradient, Scratch& scratch, Counters& counters)
      : Legs("continuous_adjoint", dynamics, path.z_end.cols(), {path.t_begin, path.t_end, path.observations}, w,
             options, gradient, scratch, counters),
        seen_(path.seen) {
    std::copy_n(path.z_end.data(), shape_.z(), z_.data());
  }

 private:
  void arrive() override {
    const Index D = shape_.blocks.z;
    for (std::size_t b = 0; b < next_.size() && seen_.cols() > 0; ++b)
      if (this->at_observation(b)) std::copy_n(seen_.col(next_[b]).data(), D, z_.data() + static_cast<Index>(b) * D);
  }

  Status carry(const Dynamics<T>& f, double t, double t_next, const SolveOptions& options, bool) override {
    const Index D = shape_.blocks.z, B = shape_.B;
    const Tile<T> w_q(w_.q.data(), shape_.blocks.q, B);
    const AdjointDynamics<T> augmented(f, w_q, std::ssize(gradient_.params_bar));
    State<T> state(augmented.blocks(), B);
    state.z().topRows(D) = Tile<T>(z_.data(), D, B);
    state.z().bottomRows(D) = Tile<T>(a_.data(), D, B);
    const Status end = integrate(augmented, t, t_next, state, options, scratch_, counters_);
    if (!end.ok()) return end;
    Out<T>(z_.data(), D, B) = state.z().topRows(D);
    Out<T>(a_.data(), D, B) = state.z().bottomRows(D);
    const std::span<T> s = state.s();
    for (std::size_t i = 0; i < gradient_.params_bar.size(); ++i) gradient_.params_bar[i] += s[i];
    return end;
  }

  const Tile<T> seen_;
};

}  // namespace

template <class T>
Status continuous_adjoint(const Dynamics<T>& dynamics, const Path<T>& path, const Cotangents<T>& w,
                          const SolveOptions& options, SolveGradient<T>& gradient, Scratch& scratch,
                          Counters& counters) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("continuous_adjoint: " + what); };
  const Index D = dynamics.blocks().z, count = std::ssize(path.observations);
  if (path.z_end.rows() != D)
    refuse("z_end has " + std::to_string(path.z_end.rows()) + " rows, the dynamics " + std::to_string(D));
  if (path.seen.cols() > 0 && (path.seen.cols() != count || path.seen.rows() != D))
    refuse("seen is " + std::to_string(path.seen.rows()) + " x " + std::to_string(path.seen.cols()) + " for " +
           std::to_string(count) + " observations");
  const Scratch::Frame frame(scratch);
  Backward<T> backward(dynamics, path, w, options, gradient, scratch, counters);
  return backward();
}

#define CNF_INSTANTIATE(T)                                                                                          \
  template class AdjointDynamics<T>;                                                                                \
  template Status continuous_adjoint(const Dynamics<T>&, const Path<T>&, const Cotangents<T>&, const SolveOptions&, \
                                     SolveGradient<T>&, Scratch&, Counters&);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf
