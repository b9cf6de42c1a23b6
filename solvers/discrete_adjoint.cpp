// Invariants. Before step n is transposed, lambda_ is the cotangent of y_{n+1} and lambda_q_ that of q, which no step
// changes; pending_[m] is what steps after n have added to the cotangent of the first slope of step n - m. X_bar_[i] is
// the cotangent of stage i's argument, complete once its vjp has run: stages go from the last to the first.
#include "solvers/discrete_adjoint.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "solvers/slope.hpp"

namespace cnf {

namespace {

template <class T>
void check_shape(const char* what, const T& x, Index rows, Index cols) {
  if (x.rows() == rows && x.cols() == cols) return;
  throw std::invalid_argument("discrete_adjoint: " + std::string(what) + " is " + std::to_string(x.rows()) + " x " +
                              std::to_string(x.cols()) + ", the recording asks for " + std::to_string(rows) + " x " +
                              std::to_string(cols));
}

template <class T>
double dot(const T* x, const T* y, Index n) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return sum;
}

/// The transposes of a recording's steps, from the last to the first.
template <class T>
class Transpose {
 public:
  Transpose(const Dynamics<T>& dynamics, const Recording<T>& recording, std::span<T> params_bar, Scratch& scratch)
      : f_(dynamics),
        recording_(recording),
        shape_(recording.shape()),
        params_bar_(params_bar),
        scratch_(scratch),
        slope_{dynamics, shape_, {}, scratch, counters_} {
    const Index nz = shape_.z(), nq = shape_.q();
    int stages = 0;
    for (Index n = 0; n < recording.steps(); ++n) {
      stages = std::max(stages, recording.rule(n).stages());
      history_ = std::max(history_, recording.rule(n).history());
    }
    for (int i = 0; i < stages; ++i) X_bar_[i] = scratch.take<T>(nz);
    k_bar_z_ = scratch.take<T>(nz);
    k_bar_q_ = scratch.take<T>(nq);
    lambda_q_ = scratch.take<T>(nq);
    lambda_ = scratch.take<T>(nz);
    lambda_next_ = scratch.take<T>(nz);
    z_work_ = scratch.take<T>(nz);
    for (int m = 0; m <= history_ && history_ > 0; ++m) {
      pending_[m] = scratch.take<T>(nz + nq);
      std::fill_n(pending_[m], nz + nq, T{0});
      if (m > 0) past_again_[m] = scratch.take<T>(shape_.size());
    }
    if (recording.holds(recording.steps() - 1)) return;
    const Index tape_size = dynamics.tape_size(shape_.B);
    for (int i = 0; i < stages; ++i) {
      k_again_[i] = scratch.take<T>(shape_.size());
      tape_again_[i] = scratch.take<T>(tape_size);
    }
  }

  TimeGradient operator()(Tile<T> w_z, Tile<T> w_q, Out<T> z_bar) {
    std::copy_n(w_z.data(), shape_.z(), lambda_);
    std::copy_n(w_q.data(), shape_.q(), lambda_q_);
    for (Index n = recording_.steps() - 1; n >= 0; --n) step(n);
    std::copy_n(lambda_, shape_.z(), z_bar.data());
    return gradient_;
  }

 private:
  void step(Index n) {
    const StepRule& rule = recording_.rule(n);
    const Tableau& m = *rule.own;
    const int S = rule.stages();
    const Index nz = shape_.z(), nq = shape_.q();
    const double h = recording_.h(n), span = recording_.t_end() - recording_.t_begin();
    const double s = recording_.fractions()[n], ds = recording_.fractions()[n + 1] - s;
    const bool held = recording_.holds(n);
    if (!held) compute_again(n);
    for (int i = S - 1; i >= 0; --i) {
      const T* const k = held ? recording_.k(n, i) : k_again_[i];
      const T* const tape = held ? recording_.tape(n, i) : tape_again_[i];
      gather(rule, i, h);
      std::fill_n(X_bar_[i], nz, T{0});
      T t_bar = 0;
      f_.vjp(tape, Tile<T>(k_bar_z_, shape_.blocks.z, shape_.B), Tile<T>(k_bar_q_, shape_.blocks.q, shape_.B),
             Out<T>(X_bar_[i], shape_.blocks.z, shape_.B), std::span<T>(&t_bar, 1), params_bar_, scratch_);

      const double at = s + m.c[i] * ds;  // the stage's own fraction of the way
      const double stretch = (dot(k_bar_z_, k, nz) + dot(k_bar_q_, k + nz, nq)) / span;
      gradient_.begin += static_cast<double>(t_bar) * (1 - at) - stretch;
      gradient_.end += static_cast<double>(t_bar) * at + stretch;
    }
    if (history_ > 0) hand_to_past(rule, h);
    combine(lambda_next_, lambda_, 1.0, kOnes, S, X_bar_, nz);
    std::swap(lambda_, lambda_next_);
  }

  /// The cotangent of stage i: its column of a below the diagonal, b beside it as one more term, and for the first
  /// stage what later steps read of it.
  void gather(const StepRule& rule, int i, double h) {
    const Tableau& m = *rule.own;
    const Index nz = shape_.z(), nq = shape_.q();
    std::array<double, kMaxStages> weights{};
    std::array<T*, kMaxStages> terms{};
    int count = 0;
    if (m.b[i] != 0) weights[count] = m.b[i], terms[count++] = lambda_;
    for (int j = i + 1; j < rule.stages(); ++j)
      if (m.a[j][i] != 0) weights[count] = m.a[j][i], terms[count++] = X_bar_[j];
    combine(k_bar_z_, static_cast<const T*>(nullptr), h, weights, count, terms, nz);
    const T b = static_cast<T>(h * m.b[i]);
    for (Index r = 0; r < nq; ++r) k_bar_q_[r] = b * lambda_q_[r];
    if (i > 0 || history_ == 0) return;
    for (Index r = 0; r < nz; ++r) k_bar_z_[r] += pending_[0][r];
    for (Index r = 0; r < nq; ++r) k_bar_q_[r] += pending_[0][nz + r];
  }

  /// pending_[m] is the cotangent of the first slope of m steps before the one at hand. This step's reads of its past
  /// are added, then the next step backwards is at hand.
  void hand_to_past(const StepRule& rule, double h) {
    const Index nz = shape_.z(), nq = shape_.q();
    for (int m = 1; m <= rule.history(); ++m) {
      const T predict = static_cast<T>(h * rule.past->predict[m]), correct = static_cast<T>(h * rule.past->correct[m]);
      for (Index r = 0; r < nz; ++r) pending_[m][r] += predict * X_bar_[1][r] + correct * lambda_[r];
      for (Index r = 0; r < nq; ++r) pending_[m][nz + r] += correct * lambda_q_[r];
    }
    std::rotate(pending_.begin(), pending_.begin() + 1, pending_.begin() + history_ + 1);
    std::fill_n(pending_[history_], nz + nq, T{0});
  }

  /// The stages of a step beyond the recording's budget, to the bits they had.
  void compute_again(Index n) {
    const StepRule& rule = recording_.rule(n);
    Past<T> past{};
    for (int m = 1; m <= rule.history(); ++m) {
      if (recording_.holds(n - m)) {
        past[m] = recording_.k(n - m, 0);
        continue;
      }
      slope_(recording_.t(n - m), recording_.z(n - m), past_again_[m], static_cast<T*>(nullptr));
      past[m] = past_again_[m];
    }
    evaluate_stages(slope_, rule, shape_, recording_.t(n), recording_.t(n + 1), recording_.z(n), 0, rule.stages(),
                    k_again_, tape_again_, past, z_work_);
  }

  static constexpr std::array<double, kMaxStages> kOnes = [] {
    std::array<double, kMaxStages> ones{};
    for (double& one : ones) one = 1;
    return ones;
  }();

  const Dynamics<T>& f_;
  const Recording<T>& recording_;
  const Shape& shape_;
  std::span<T> params_bar_;
  Scratch& scratch_;
  Counters counters_;
  Slope<T> slope_;
  int history_ = 0;
  std::array<T*, kMaxStages> X_bar_{}, k_again_{}, tape_again_{};
  std::array<T*, kMaxAdamsOrder> pending_{}, past_again_{};
  T *k_bar_z_, *k_bar_q_, *lambda_q_, *lambda_, *lambda_next_, *z_work_;
  TimeGradient gradient_;
};

}  // namespace

template <class T>
TimeGradient discrete_adjoint(const Dynamics<T>& dynamics, const Recording<T>& recording, Tile<T> w_z, Tile<T> w_q,
                              Out<T> z_bar, std::span<T> params_bar, Scratch& scratch) {
  if (recording.steps() == 0) {
    if (w_z.rows() != z_bar.rows() || w_z.cols() != z_bar.cols()) check_shape("z_bar", z_bar, w_z.rows(), w_z.cols());
    z_bar = w_z;
    return {};
  }
  const Shape& shape = recording.shape();
  const Scratch::Frame frame(scratch);
  const Blocks& rows = shape.blocks;
  check_shape("w_z", w_z, rows.z, shape.B);
  check_shape("w_q", w_q, rows.q, shape.B);
  check_shape("z_bar", z_bar, rows.z, shape.B);
  if (static_cast<Index>(params_bar.size()) != dynamics.gradient_size())
    throw std::invalid_argument("discrete_adjoint: params_bar has " + std::to_string(params_bar.size()) +
                                " values, the dynamics " + std::to_string(dynamics.gradient_size()));

  Transpose<T> transpose(dynamics, recording, params_bar, scratch);
  return transpose(w_z, w_q, z_bar);
}

template TimeGradient discrete_adjoint(const Dynamics<float>&, const Recording<float>&, Tile<float>, Tile<float>,
                                       Out<float>, std::span<float>, Scratch&);
template TimeGradient discrete_adjoint(const Dynamics<double>&, const Recording<double>&, Tile<double>, Tile<double>,
                                       Out<double>, std::span<double>, Scratch&);

}  // namespace cnf
