// The fine solve stays recorded in job.own until the cheap ones, one after the other in job.second, have been pulled
// back. Cotangents: u_bar is of the fine solve's end until that is pulled back; what the cheap solves owe to the
// samples themselves waits in x_bar. The draws' part comes last, in the same memory.
#include "flows/objectives/few_steps.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <variant>
#include <vector>

#include "base/random.hpp"

namespace cnf {

namespace {

/// h and its slope.
struct Soft {
  double value, slope;
};
/// By the square of r; the slope over r, so that it is whole at 0.
Soft soft(double square) {
  constexpr double s = FewSteps::kSoft;
  const double root = std::sqrt(1 + square / (s * s));
  return {square / (s * (root + 1)), 1 / (s * root)};
}

/// The ends of the finer steps.
std::vector<double> fine_grid(Seed seed, std::uint32_t step) {
  constexpr double kLeast = 0.3;  // of an even share: the rest is drawn
  std::vector<double> fractions{0};
  double left = 1;
  for (int n = FewSteps::kFine; n > 1; --n) {
    const double drawn = uniform(seed, Purpose::fine_grid, step, 0, static_cast<std::uint32_t>(FewSteps::kFine - n));
    const double share = (kLeast + 2 * (1 - kLeast) * drawn) / n;
    fractions.push_back(fractions.back() + share * left);
    left = 1 - fractions.back();
  }
  fractions.push_back(1);
  return fractions;
}

/// Adds factor h(|a_i - b_i|) to the loss, and its slope to a_bar and, negative, to b_bar.
template <class T>
double add_distance(Tile<T> a, Tile<T> b, double factor, Out<T> a_bar, Out<T> b_bar) {
  double loss = 0;
  for (Index i = 0; i < a.cols(); ++i) {
    double square = 0;
    for (Index d = 0; d < a.rows(); ++d) {
      const double r = static_cast<double>(a(d, i)) - static_cast<double>(b(d, i));
      square += r * r;
    }
    const auto [value, slope] = soft(square);
    loss += factor * value;
    for (Index d = 0; d < a.rows(); ++d) {
      const auto bar = static_cast<T>(factor * slope * (static_cast<double>(a(d, i)) - static_cast<double>(b(d, i))));
      a_bar(d, i) += bar;
      b_bar(d, i) -= bar;
    }
  }
  return loss;
}

}  // namespace

std::string_view name(FewSteps::Solver solver) {
  constexpr std::string_view kNames[] = {"euler", "midpoint", "heun", "ralston", "rk4", "rk4_38"};
  return kNames[static_cast<std::size_t>(solver)];
}

CheapSolver FewSteps::cheap_solver() const { return {*find_method(name(solver)), static_cast<int>(steps)}; }

std::vector<Setting> FewSteps::settings() {
  return {
      {.name = "few-solver", .help = "Of few steps: their method.", .value = choice_of(solver, kAllFewStepsSolvers)},
      {.name = "few", .help = "Of few steps: how many.", .value = Setting::Whole{&steps, 1, 64}},
      {.name = "closeness",
       .help = "Of few steps: what a difference from finer steps weighs beside the likelihood.",
       .value = Setting::Real{&weight}}};
}

void FewSteps::check(const Cnf&) const {
  EvaluationOptions options;
  cheap_solver().apply_to(options);
  cnf::check(options.solve);
}

/// The loss of one tile, in the order of its solves.
template <class T>
class FewSteps::TileLoss {
 public:
  TileLoss(const FewSteps& of, TileJob<T>& job)
      : of_(of), job_(job), fine_(job.own), cheap_(job.second), D_(job.u_bar.rows()), B_(job.u_bar.cols()) {
    fine_options_.solve = {.method = &kRk4, .fractions = fine_grid(job.input.at.seed, job.input.at.step)};
    const CheapSolver few = of.cheap_solver();
    cheap_options_.solve = {.method = few.method, .fixed_steps = few.steps};
  }

  void run() {
    fine_.begin(job_.flow, fine_options_, Use::training, job_.input);
    if (!sound(fine_.carry_recorded(job_.share.forward))) return;
    const Scratch::Frame frame(fine_.scratch());
    w_q_ = take(1), cheap_w_q_ = take(1), bar_ = take(D_), x_bar_ = take(D_);
    job_.u_bar.setZero();
    std::visit([&](const auto& base) { likelihood(base); }, job_.flow.model().base);
    if (of_.weight > 0 &&
        !(std::visit([&](const auto& base) { return to_base(base); }, job_.flow.model().base) && to_data()))
      return;
    if (!sound(fine_.pull(job_.u_bar, Tile<T>(w_q_, 1, B_), job_.share))) return;
    job_.u_bar += Out<T>(x_bar_, D_, B_);
    if (of_.weight > 0) std::visit([&](const auto& base) { of_own_draws(base); }, job_.flow.model().base);
  }

 private:
  bool sound(Status status) {
    if (status.ok()) return true;
    job_.share.failures.push_back(std::move(status));
    return false;
  }
  T* take(Index rows) {
    T* const values = fine_.scratch().template take<T>(rows * B_);
    std::fill_n(values, rows * B_, T(0));
    return values;
  }
  double share() const { return 1 / static_cast<double>(job_.batch); }
  Tile<T> z() { return {fine_.z().data(), D_, B_}; }

  template <class Density>
  double log_prob(const Density& base, TileFlow<T>& at, Index i, double scale, T* w) {
    return base.log_prob(at.z().data() + i * D_, D_, static_cast<T>(scale), w) + static_cast<double>(at.q()(0, i));
  }

  template <class Density>
  void likelihood(const Density& base) {
    for (Index i = 0; i < B_; ++i) {
      job_.share.loss -= share() * log_prob(base, fine_, i, -share(), job_.u_bar.data() + i * D_);
      w_q_[i] = static_cast<T>(-share());
    }
  }

  /// Cheaply to the base.
  template <class Density>
  bool to_base(const Density& base) {
    cheap_.begin(job_.flow, cheap_options_, Use::training, job_.input);
    if (!sound(cheap_.carry_recorded(job_.share.forward))) return false;
    const double factor = of_.weight * share();
    for (Index i = 0; i < B_; ++i) {
      const double d = log_prob(base, cheap_, i, 0, nullptr) - log_prob(base, fine_, i, 0, nullptr);
      const auto [value, slope] = soft(d * d);
      job_.share.loss += factor * value;
      const double bar = factor * slope * d;
      log_prob(base, cheap_, i, bar, bar_ + i * D_);
      log_prob(base, fine_, i, -bar, job_.u_bar.data() + i * D_);
      cheap_w_q_[i] = static_cast<T>(bar);
      w_q_[i] -= static_cast<T>(bar);
    }
    Out<T> bar(bar_, D_, B_);
    job_.share.loss += add_distance<T>(Tile<T>(cheap_.z().data(), D_, B_), z(), factor, bar, job_.u_bar);
    if (!sound(cheap_.pull(bar, Tile<T>(cheap_w_q_, 1, B_), job_.share))) return false;
    Out<T>(x_bar_, D_, B_) += bar;
    return true;
  }

  /// From where the fine solve ended cheaply back.
  bool to_data() {
    const TileInput<T> ended{Samples<T>(z(), job_.input.samples.given), job_.input.at};
    cheap_.begin(job_.flow, cheap_options_, Use::training, ended);
    if (!sound(cheap_.carry_recorded(job_.share.forward, Way::to_data))) return false;
    const double factor = of_.weight * share();
    for (Index i = 0; i < B_; ++i) {
      const double d = static_cast<double>(cheap_.q()(0, i)) + static_cast<double>(fine_.q()(0, i));
      const auto [value, slope] = soft(d * d);
      job_.share.loss += factor * value;
      cheap_w_q_[i] = static_cast<T>(factor * slope * d);
      w_q_[i] += cheap_w_q_[i];
    }
    Out<T> bar(bar_, D_, B_);
    bar.setZero();
    job_.share.loss +=
        add_distance<T>(Tile<T>(cheap_.z().data(), D_, B_), job_.input.samples.x, factor, bar, Out<T>(x_bar_, D_, B_));
    if (!sound(cheap_.pull(bar, Tile<T>(cheap_w_q_, 1, B_), job_.share))) return false;
    job_.u_bar += bar;
    return true;
  }

  /// Draws of the flow, finely to the data and cheaply back: they come where the data are not.
  template <class Density>
  void of_own_draws(const Density& base) {
    Batch z0(D_, B_);
    const TileAddress& at = job_.input.at;
    base.sample(at.seed, (std::uint64_t{at.step} << 24) + at.first, Out<double>(z0.data(), D_, B_));
    const Matrix<T> start = z0.template cast<T>();
    const auto input = [&](const T* points) {
      return TileInput<T>{Samples<T>(Tile<T>(points, D_, B_), job_.input.samples.given), at};
    };
    fine_.begin(job_.flow, fine_options_, Use::training, input(start.data()));
    if (!sound(fine_.carry_recorded(job_.share.forward, Way::to_data))) return;
    cheap_.begin(job_.flow, cheap_options_, Use::training, input(fine_.z().data()));
    if (!sound(cheap_.carry_recorded(job_.share.forward))) return;
    const double factor = of_.weight * share();
    Out<T> bar(bar_, D_, B_), unused(x_bar_, D_, B_);
    bar.setZero();
    for (Index i = 0; i < B_; ++i) {
      const double d = log_prob(base, cheap_, i, 0, nullptr) - base.log_prob(start.data() + i * D_, D_) +
                       static_cast<double>(fine_.q()(0, i));
      const auto [value, slope] = soft(d * d);
      job_.share.loss += factor * value;
      const double slope_d = factor * slope * d;
      log_prob(base, cheap_, i, slope_d, bar_ + i * D_);
      cheap_w_q_[i] = w_q_[i] = static_cast<T>(slope_d);
    }
    job_.share.loss +=
        add_distance<T>(Tile<T>(cheap_.z().data(), D_, B_), Tile<T>(start.data(), D_, B_), factor, bar, unused);
    if (!sound(cheap_.pull(bar, Tile<T>(cheap_w_q_, 1, B_), job_.share))) return;
    sound(fine_.pull(bar, Tile<T>(w_q_, 1, B_), job_.share));
  }

  const FewSteps& of_;
  TileJob<T>& job_;
  TileFlow<T>&fine_, &cheap_;
  const Index D_, B_;
  FlowOptions fine_options_, cheap_options_;
  T *w_q_ = nullptr, *cheap_w_q_ = nullptr, *bar_ = nullptr, *x_bar_ = nullptr;
};

template <class T>
void FewSteps::run_tile(TileJob<T> job) const {
  TileLoss<T>(*this, job).run();
}

template void FewSteps::run_tile(TileJob<float>) const;
template void FewSteps::run_tile(TileJob<double>) const;

}  // namespace cnf
