// Invariants. A tape holds the point, t below z, a column a sample. A product with the Jacobian is one evaluation with
// dual numbers, whose arrays come from the scratch.
#include "solvers/problems/problems.hpp"

#include <utility>

#include "solvers/problems/problem_tables.hpp"

namespace cnf {

namespace {

class EquationDynamics final : public Dynamics<double> {
 public:
  EquationDynamics(const Equation& f, Index D, Vector<double> params) : f_(f), D_(D), params_(std::move(params)) {}

  Blocks blocks() const override { return {D_, 0, 0}; }
  Index gradient_size() const override { return params_.size(); }
  Index tape_size(Index B) const override { return (D_ + 1) * B; }
  Derivatives derivatives() const override { return Derivatives::all; }

  void forward(Times<double> t, Tile<double> z, Out<double> dz, Out<double>, std::span<double>, double* tape,
               Scratch&) const override {
    const std::size_t D = static_cast<std::size_t>(D_);
    const std::span<const double> params(params_.data(), static_cast<std::size_t>(params_.size()));
    for (Index j = 0; j < z.cols(); ++j) {
      const double time = t[t.size() > 1 ? j : 0];
      f_.value(time, {z.data() + j * D_, D}, params, {dz.data() + j * D_, D});
      if (!tape) continue;
      double* const point = tape + j * (D_ + 1);
      std::copy_n(z.data() + j * D_, D_, point);
      point[D_] = time;
    }
  }

  void jvp(const double* tape, Tile<double> v, Times<double> t_dot, Out<double> dz_dot, Out<double>,
           Scratch& scratch) const override {
    const Scratch::Frame frame(scratch);
    Line line(*this, scratch);
    for (Index j = 0; j < v.cols(); ++j) {
      line.start(tape + j * (D_ + 1));
      for (Index i = 0; i < D_; ++i) line.z(i).slope = v(i, j);
      line.t().slope = t_dot[t_dot.size() > 1 ? j : 0];
      const Dual* const out = line();
      for (Index i = 0; i < D_; ++i) dz_dot(i, j) = out[i].slope;
    }
  }

  void vjp(const double* tape, Tile<double> w_z, Tile<double>, Out<double> z_bar, std::span<double> t_bar,
           std::span<double> params_bar, Scratch& scratch) const override {
    const Scratch::Frame frame(scratch);
    Line line(*this, scratch);
    for (Index j = 0; j < w_z.cols(); ++j) {
      line.start(tape + j * (D_ + 1));
      const auto pull = [&](Dual& input) {
        input.slope = 1;
        const Dual* const out = line();
        input.slope = 0;
        double sum = 0;
        for (Index i = 0; i < D_; ++i) sum += out[i].slope * w_z(i, j);
        return sum;
      };
      for (Index i = 0; i < D_; ++i) z_bar(i, j) += pull(line.z(i));
      t_bar[t_bar.size() > 1 ? j : 0] += pull(line.t());
      for (Index i = 0; i < params_.size(); ++i) params_bar[i] += pull(line.param(i));
    }
  }

 private:
  /// A point and a direction, and the equation there: z, t and params, then dz.
  class Line {
   public:
    Line(const EquationDynamics& f, Scratch& scratch)
        : f_(f), D_(f.D_), P_(f.params_.size()), at_(scratch.take<Dual>(2 * D_ + 1 + P_)) {}

    Dual& z(Index i) { return at_[i]; }
    Dual& t() { return at_[D_]; }
    Dual& param(Index i) { return at_[D_ + 1 + i]; }
    void start(const double* point) {
      for (Index i = 0; i <= D_; ++i) at_[i] = point[i];
      for (Index i = 0; i < P_; ++i) param(i) = f_.params_(i);
    }
    const Dual* operator()() {
      Dual* const out = at_ + D_ + 1 + P_;
      const std::size_t D = static_cast<std::size_t>(D_);
      f_.f_.dual(t(), {at_, D}, {at_ + D_ + 1, static_cast<std::size_t>(P_)}, {out, D});
      return out;
    }

   private:
    const EquationDynamics& f_;
    Index D_, P_;
    Dual* at_;
  };

  Equation f_;
  Index D_;
  Vector<double> params_;
};

}  // namespace

std::unique_ptr<Dynamics<double>> Problem::dynamics() const {
  return std::make_unique<EquationDynamics>(equation, dim(), params);
}

std::vector<Problem> all_problems() {
  std::vector<Problem> all = detest_problems();
  for (Problem& problem : classic_problems()) all.push_back(std::move(problem));
  return all;
}

std::optional<Problem> find_problem(std::string_view name) {
  for (Problem& problem : all_problems())
    if (problem.name == name) return std::move(problem);
  return {};
}

}  // namespace cnf
