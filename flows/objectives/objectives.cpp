#include "flows/objectives/objectives.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "base/number_text.hpp"
#include "flows/objectives/tiled.hpp"

namespace cnf {

const ObjectiveTraits& traits(const AnyObjective& objective) {
  return std::visit([](const auto& kind) -> const ObjectiveTraits& { return kind.kTraits; }, objective);
}

std::vector<Setting> settings(AnyObjective& objective) {
  return std::visit(
      [](auto& kind) -> std::vector<Setting> {
        if constexpr (requires { kind.settings(); })
          return kind.settings();
        else
          return {};
      },
      objective);
}

std::vector<AnyObjective> all_objectives() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<AnyObjective>{std::variant_alternative_t<I, AnyObjective>{}...};
  }
  (std::make_index_sequence<std::variant_size_v<AnyObjective>>{});
}

std::optional<AnyObjective> find_objective(std::string_view name) {
  for (const AnyObjective& objective : all_objectives())
    if (traits(objective).name == name) return objective;
  return {};
}

const FlowOptions* flow_of(const AnyObjective& objective) {
  return std::visit(
      [](const auto& kind) -> const FlowOptions* {
        if constexpr (requires { kind.flow; })
          return &kind.flow;
        else
          return nullptr;
      },
      objective);
}

namespace {

/// How many parts a summand has beside its own.
std::size_t terms(const AnyObjective& objective) {
  return std::visit(
      [](const auto& kind) -> std::size_t {
        if constexpr (requires { kind.more_parts(); }) return kind.more_parts();
        return 0;
      },
      objective);
}

bool rises_in(const AnyObjective& objective) {
  return std::visit(
      [](const auto& kind) {
        if constexpr (requires { kind.rises(); }) return kind.rises();
        return false;
      },
      objective);
}

}  // namespace

void ObjectiveSum::check(const Cnf& model) const {
  if (summands.empty()) throw std::invalid_argument("ObjectiveSum: there is nothing to minimise");
  for (const WeightedObjective& one : summands) {
    if (!(one.weight > 0 && std::isfinite(one.weight)))
      throw std::invalid_argument(std::string(traits(one.what).name) + ": its weight is " + shortest(one.weight) +
                                  ", expected a number above 0");
    std::visit([&](const auto& kind) { kind.check(model); }, one.what);
    if (traits(one.what).towards_target != traits(summands.front().what).towards_target)
      throw std::invalid_argument(std::string(traits(one.what).name) + " and " +
                                  std::string(traits(summands.front().what).name) +
                                  ": one of them reads data, the other a target");
  }
}

bool ObjectiveSum::uses_divergence() const {
  return std::any_of(summands.begin(), summands.end(), [](const WeightedObjective& one) {
    return std::visit([](const auto& kind) { return kind.kUsesDivergence; }, one.what);
  });
}

bool ObjectiveSum::rises() const {
  return std::any_of(summands.begin(), summands.end(), [](const WeightedObjective& one) { return rises_in(one.what); });
}

void ObjectiveSum::raise(double by) {
  for (WeightedObjective& one : summands)
    std::visit(
        [by](auto& kind) {
          if constexpr (requires { kind.raised; }) kind.raised = by;
        },
        one.what);
}

std::size_t ObjectiveSum::told_parts() const {
  std::size_t parts = 0;
  for (const WeightedObjective& one : summands) parts += 1 + terms(one.what);
  return parts > 1 ? parts : 0;
}

template <class T>
void ObjectiveSum::before_tiles(const Samples<T>& u, Seed seed, std::uint32_t step, int threads) {
  for (WeightedObjective& one : summands)
    std::visit(
        [&](auto& kind) {
          if constexpr (requires { kind.before_tiles(u, seed, step, threads); })
            kind.before_tiles(u, seed, step, threads);
        },
        one.what);
}

template <class T>
void ObjectiveSum::run_tile(TileJob<T> job) const {
  const auto run = [&](const AnyObjective& what, TileShare<T>& share, Out<T> u_bar, std::span<double> parts) {
    std::visit(
        [&](const auto& kind) {
          kind.template run_tile<T>(
              {job.flow, job.input, job.batch, job.own, job.second, share, u_bar, job.spare, parts});
        },
        what);
    if (parts.size() == 1) parts[0] = share.loss;
  };
  if (summands.size() == 1 && summands[0].weight == 1) return run(summands[0].what, job.share, job.u_bar, job.parts);

  const Scratch::Frame frame(job.own.scratch());
  const Index D = job.u_bar.rows(), B = job.u_bar.cols();
  const Out<T> u_bar(job.own.scratch().template take<T>(D * B), D, B);
  job.u_bar.setZero();
  std::span<double> left = job.parts;
  for (const auto& [what, weight] : summands) {
    const std::size_t told = std::min(left.size(), 1 + terms(what));
    job.spare.clear({job.share.params_bar.size(), 0, job.share.dloss_dtimes.size(), 0});
    run(what, job.spare, u_bar, left.first(told));
    left = left.subspan(told);
    const auto by = static_cast<T>(weight);
    job.share.loss += weight * job.spare.loss;
    job.share.params_bar += by * job.spare.params_bar;
    job.u_bar += by * u_bar;
    for (std::size_t i = 0; i < job.share.dloss_dtimes.size(); ++i)
      job.share.dloss_dtimes[i] += weight * job.spare.dloss_dtimes[i];
    job.share.forward += job.spare.forward;
    job.share.backward += job.spare.backward;
    if (!job.spare.failures.empty()) {
      job.share.failures.push_back(job.spare.failures.front());
      return;
    }
  }
}

const FewSteps* few_steps_of(const ObjectiveSum& sum) {
  for (const WeightedObjective& one : sum.summands)
    if (const auto* few = std::get_if<FewSteps>(&one.what)) return few;
  return nullptr;
}

ObjectiveTraits traits(const ObjectiveSum& sum) {
  ObjectiveTraits all = traits(sum.summands.front().what);
  for (const WeightedObjective& one : sum.summands) {
    const ObjectiveTraits& of = traits(one.what);
    all.solves |= of.solves;
    all.validation_stretch = std::min(all.validation_stretch, of.validation_stretch);
  }
  if (sum.told_parts() > 0) all.loss_name = "loss";
  return all;
}

std::vector<std::string_view> part_names(const ObjectiveSum& sum) {
  std::vector<std::string_view> names;
  for (const WeightedObjective& one : sum.summands) {
    names.push_back(traits(one.what).name);
    if (const FlowOptions* flow = flow_of(one.what))
      for (const Quadrature term : flow->beside) names.push_back(name(term));
    if (rises_in(one.what)) names.push_back("raised");
  }
  return names;
}

std::vector<double> log_density_weights(const ObjectiveSum& sum) {
  std::vector<double> weights;
  for (const WeightedObjective& one : sum.summands) {
    weights.push_back(traits(one.what).log_density ? one.weight : 0);
    weights.resize(weights.size() + terms(one.what), 0);
  }
  return weights;
}

const FlowOptions* ObjectiveSum::flow_options() const {
  for (const WeightedObjective& one : summands)
    if (const FlowOptions* flow = flow_of(one.what)) return flow;
  return nullptr;
}

const FlowOptions* ObjectiveOptions::flow() const { return minimise.flow_options(); }

FlowOptions* ObjectiveOptions::flow() { return const_cast<FlowOptions*>(std::as_const(*this).flow()); }

void ObjectiveSum::set_stop(StopFlag stop) {
  for (WeightedObjective& one : summands)
    if (auto* flow = const_cast<FlowOptions*>(flow_of(one.what))) flow->solve.stop = flow->adjoint.stop = stop;
}

void ObjectiveSum::share_flow() {
  const FlowOptions* const first = flow_options();
  for (WeightedObjective& one : summands) {
    auto* const flow = const_cast<FlowOptions*>(flow_of(one.what));
    if (flow == nullptr || flow == first) continue;
    std::vector<Quadrature> own = std::move(flow->beside);
    *flow = *first;
    flow->beside = std::move(own);
  }
}

void ObjectiveSum::set_target(const Target& target) {
  for (WeightedObjective& one : summands)
    std::visit(
        [&](auto& kind) {
          if constexpr (requires { kind.target; }) kind.target = target;
        },
        one.what);
}

template <class T>
std::unique_ptr<Objective<T>> make_objective(const Cnf& model, const ObjectiveOptions& options) {
  ObjectiveSum sum = options.minimise;
  sum.set_stop(options.stop);
  return std::make_unique<TiledObjective<T, ObjectiveSum>>(model, std::move(sum), options.threads, options.seed,
                                                           options.stop);
}

template std::unique_ptr<Objective<float>> make_objective(const Cnf&, const ObjectiveOptions&);
template std::unique_ptr<Objective<double>> make_objective(const Cnf&, const ObjectiveOptions&);

}  // namespace cnf
