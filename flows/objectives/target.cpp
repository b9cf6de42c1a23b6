#include "flows/objectives/target.hpp"

#include <stdexcept>
#include <string>

#include "flows/base_density.hpp"

namespace cnf {

Vector<double> log_densities(const Target& target, const Eigen::Ref<const Batch>& x) {
  Vector<double> values(x.cols());
  const auto D = static_cast<std::size_t>(x.rows());
  for (Index i = 0; i < x.cols(); ++i) values[i] = target.log_density({x.col(i).data(), D}, {});
  return values;
}

TargetInUnits::TargetInUnits(const Target& target, const Standardisation& scaling, std::uint32_t step)
    : target_(target),
      scaling_(scaling),
      by_(target.share(step)),
      log_det_(scaling.log_abs_det()),
      x_(static_cast<std::size_t>(scaling.dim())),
      slope_(x_.size()) {}

template <class T>
double TargetInUnits::log_density(const T* u, T* du) {
  const Index D = scaling_.dim();
  const auto at = [](Index i) { return static_cast<std::size_t>(i); };
  for (Index i = 0; i < D; ++i) {
    x_[at(i)] = scaling_.mean[i];
    for (Index j = 0; j <= i; ++j) x_[at(i)] += scaling_.scale(i, j) * static_cast<double>(u[j]);
  }
  const double value = target_.log_density(x_, du == nullptr ? std::span<double>() : std::span<double>(slope_));
  for (Index j = 0; j < D && du != nullptr; ++j) {
    double slope = 0;
    for (Index i = j; i < D; ++i) slope += scaling_.scale(i, j) * slope_[at(i)];
    du[j] = static_cast<T>(by_ * slope);
  }
  if (by_ == 1) return value + log_det_;
  return by_ * (value + log_det_) + (1 - by_) * NormalBase{}.log_prob(u, D, static_cast<T>(1 - by_), du);
}

void check_target(std::string_view objective, const Target& target, const FlowOptions& flow, const Cnf& model) {
  const std::string who(objective);
  cnf::check(flow.solve);
  cnf::check(flow.adjoint);
  if (!target.log_density) throw std::invalid_argument(who + ": there is no target; give it a log-density");
  if (!std::holds_alternative<NormalBase>(model.base))
    throw std::invalid_argument(who + ": its draws begin at N(0, I), the model's base is another");
  if (!flow.beside.empty()) throw std::invalid_argument(who + ": its solves have no terms beside them");
}

Setting anneal_setting(Target& target) {
  return {.name = "anneal",
          .help = "Of an energy: updates over which the target goes from the broad start to it; 0: at once.",
          .value = Setting::Whole{&target.anneal, 0}};
}

Status no_density(Index row, double t) {
  Status status;
  status.code = Status::Code::non_finite;
  status.row = row;
  status.t = t;
  return status;
}

template double TargetInUnits::log_density(const float*, float*);
template double TargetInUnits::log_density(const double*, double*);

}  // namespace cnf
