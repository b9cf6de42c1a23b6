// Flows of several blocks, and a tile's part in them: what goes through, what comes back, and what must not be touched.
#include "flows/tile_flow.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <limits>

#include "flows/evaluator.hpp"
#include "flows/gradcheck.hpp"
#include "flows/objectives/objectives.hpp"
#include "solvers/method.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

/// Flows over the same dimension as one: block k is part k, over the part's own interval.
Cnf stacked(const std::vector<Cnf>& parts) {
  Cnf model = parts.front();
  model.blocks.clear();
  for (const Cnf& part : parts) model.blocks.push_back(part.blocks.front());
  model.params = Vector<double>::Zero(model.layout().size);
  Index at = 0;
  for (const Cnf& part : parts) {
    model.params.segment(at, part.params.size()) = part.params;
    at += part.params.size();
  }
  return model;
}

Cnf part(std::vector<Index> hidden, double t_base, double t_data, std::uint64_t seed) {
  Cnf model = small_flow(small_shape(std::move(hidden), Activation::sin), Seed{seed});
  model.blocks[0].t_base = t_base;
  model.blocks[0].t_data = t_data;
  return model;
}

/// Three fields of different depth, so of different tails and divergences, and over intervals that do not meet.
Cnf three_blocks() { return stacked({part({8, 8}, 0, 0.5, 3), part({6}, 1, 0.25, 4), part({5, 4, 5}, 0, 0.5, 5)}); }

EvaluationOptions evaluation(double tolerance = 1e-10) {
  EvaluationOptions options;
  options.precision = Precision::double_float;
  options.solve.rtol = options.solve.atol = tolerance;
  options.threads = 1;
  return options;
}

FlowOptions flow_options(GradientMode gradient, const char* divergence = "exact", double tolerance = 1e-9) {
  FlowOptions options;
  options.solve.rtol = options.solve.atol = tolerance;
  options.adjoint = options.solve;
  options.divergence = parse_divergence(divergence);
  options.gradient = gradient;
  return options;
}

LossGradient<double> likelihood(const Cnf& model, const Batch& u, const FlowOptions& flow, int threads = 1) {
  return (*make_objective<double>(model, {MaximumLikelihood{flow}, threads, Seed{9}}))(model.params, u, 5);
}

}  // namespace

TEST_CASE("one field over an interval is the same field over its halves", "[flows][blocks]") {
  const Cnf whole = part({8, 8}, 0, 1, 3);
  const Cnf halves = stacked({part({8, 8}, 0, 0.5, 3), part({8, 8}, 0.5, 1, 3)});
  const Batch x = normal_batch(2, 80, Seed{40});
  const Evaluated a = log_prob(whole, x, evaluation()), b = log_prob(halves, x, evaluation());
  CHECK((a.log_prob - b.log_prob).cwiseAbs().maxCoeff() < 1e-8);
  CHECK((a.points - b.points).cwiseAbs().maxCoeff() < 1e-8);
  const Evaluated drawn = sample(whole, Seed{1}, 70, evaluation(), true),
                  again = sample(halves, Seed{1}, 70, evaluation(), true);
  CHECK((drawn.points - again.points).cwiseAbs().maxCoeff() < 1e-8);
  CHECK((drawn.log_prob - again.log_prob).cwiseAbs().maxCoeff() < 1e-8);

  // The gradient by the one field's parameters is the sum over the halves'; where they meet, time moves nothing.
  for (const GradientMode mode : {GradientMode::discrete, GradientMode::continuous}) {
    CAPTURE(name(mode));
    const LossGradient<double> one = likelihood(whole, x, flow_options(mode, "exact", 1e-11));
    const LossGradient<double> two = likelihood(halves, x, flow_options(mode, "exact", 1e-11));
    const Index n = whole.params.size();
    CHECK(one.loss == Approx(two.loss).epsilon(1e-9));
    CHECK((one.dloss_dparams - two.dloss_dparams.head(n) - two.dloss_dparams.tail(n)).norm() <
          1e-7 * one.dloss_dparams.norm());
    CHECK((one.dloss_du - two.dloss_du).norm() < 1e-7 * one.dloss_du.norm());
    CHECK(two.dloss_dt_base(0) == Approx(one.dloss_dt_base()).epsilon(1e-6));
    CHECK(two.dloss_dt_data(1) == Approx(one.dloss_dt_data()).epsilon(1e-6));
    CHECK(std::abs(two.dloss_dt_data(0) + two.dloss_dt_base(1)) < 1e-6 * std::abs(one.dloss_dt_data()));
  }
}

TEST_CASE("a flow of several blocks is its blocks one after the other", "[flows][blocks]") {
  const std::vector<Cnf> parts{part({8, 8}, 0, 0.5, 3), part({6}, 1, 0.25, 4)};
  const Cnf both = stacked(parts);
  const Batch z = normal_batch(2, 70, Seed{41});
  Evaluator first(parts[0], evaluation()), second(parts[1], evaluation()), all(both, evaluation());
  const Batch x = second.decode(first.decode(z).points).points;
  CHECK((all.decode(z).points - x).cwiseAbs().maxCoeff() < 1e-12);
  CHECK((all.encode(x).points - z).cwiseAbs().maxCoeff() < 1e-7);
  // log p(x) = log N(z) less the divergences met on the way, each as its own block alone has it.
  const Batch between = first.decode(z).points;
  const auto change = [&](Evaluator& flow, const Batch& from, const Batch& to) {
    return Vector<double>(flow.log_prob(to).log_prob - log_prob(Base{}, from));
  };
  const Vector<double> expected = log_prob(Base{}, z) + change(first, z, between) + change(second, between, x);
  CHECK((all.log_prob(x).log_prob - expected).cwiseAbs().maxCoeff() < 1e-7);
}

TEST_CASE("every gradient of a flow of several blocks equals central differences", "[flows][blocks][gradient]") {
  GradcheckOptions options;
  options.threads = 1;
  options.directions = 2;
  options.seed = Seed{5};
  for (const char* divergence : {"exact", "hutchinson:2"}) {
    options.divergence = parse_divergence(divergence);
    const auto checks = gradcheck(three_blocks(), normal_batch(2, 3, Seed{42}), options);
    for (const GradientCheck& check : checks) {
      CAPTURE(divergence, check.mode, check.worst().name);
      if (check.mode == "discrete") CHECK(check.worst().relative_error < 1e-6);
      if (check.mode == "continuous") CHECK(check.worst().relative_error < 1e-5);
    }
    std::vector<std::string> names;
    for (const GradientBlock& block : checks.front().blocks) names.push_back(block.name);
    for (const char* name : {"z", "blocks.0.layers.0.weight", "blocks.2.layers.3.bias", "blocks.1.t_data"})
      CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
}

TEST_CASE("the gradient of several blocks does not depend on the number of threads", "[flows][blocks][bits]") {
  const Batch u = normal_batch(2, 200, Seed{43});
  for (const GradientMode mode : {GradientMode::discrete, GradientMode::continuous}) {
    const auto one = likelihood(three_blocks(), u, flow_options(mode, "hutchinson:1", 1e-4));
    for (const int threads : {2, 3}) {
      const auto more = likelihood(three_blocks(), u, flow_options(mode, "hutchinson:1", 1e-4), threads);
      CHECK((more.loss == one.loss && more.dloss_dparams == one.dloss_dparams && more.dloss_du == one.dloss_du));
      CHECK(more.dloss_dtimes == one.dloss_dtimes);
    }
  }
}

TEST_CASE(
    "a row that fails in the second block of its way costs the others no bit, for the tile begins again at the first",
    "[flows][blocks][trouble]") {
  // On the way to the base a tile passes block 1 first, then block 0, where z' = 900 relu(z_0 - 3) carries what lies
  // beyond 3 out of what is finite and leaves the rest alone.
  Cnf steep;
  const MlpShape ramp{.dim = 2, .hidden = {1}, .activation = Activation::relu, .time = TimeConditioning::concat};
  steep.blocks.front().field = ramp;
  steep.standardisation = Standardisation::identity(2);
  const MlpLayout at(ramp);
  steep.params = Vector<double>::Zero(at.size);
  steep.params[at.layers[0].weight] = 1;
  steep.params[at.layers[0].bias] = -3;
  steep.params[at.layers[1].weight] = -900;
  const Cnf model = stacked({steep, part({8, 8}, 0, 0.5, 3)});
  const BoundCnf<double> flow(model, model.params);
  const FlowOptions options = flow_options(GradientMode::discrete, "exact", 1e-5);
  Batch x = 0.3 * normal_batch(2, 20, Seed{44});
  x.col(7) << 9, -4;
  const auto carried = [&](bool masked, std::vector<Status>& failures) {
    TileFlow<double> own;
    Counters counters;
    std::vector<char> active(20, 1);
    if (masked) active[7] = 0;
    own.begin(flow, options, Use::evaluation, TileInput<double>{x, {}});
    failures = own.carry_masked(Way::to_base, active, counters);
    CHECK(active[7] == 0);
    Batch both(3, 20);
    both << own.z(), own.q();
    return both;
  };
  std::vector<Status> failures, none;
  const Batch found = carried(false, failures), without = carried(true, none);
  REQUIRE((failures.size() == 1 && none.empty()));
  CHECK(failures[0].row == 7);
  CHECK(found.col(7).array().isNaN().all());
  for (Index b = 0; b < 20; ++b)
    if (b != 7) CHECK(found.col(b) == without.col(b));
}

TEST_CASE("a tile writes its blocks' parts of params_bar and nothing behind them", "[flows][blocks][tail]") {
  const Cnf model = three_blocks();
  const BoundCnf<double> flow(model, model.params);
  const Batch u = normal_batch(2, 9, Seed{45});
  constexpr double kMark = 123.5;
  for (const GradientMode mode : {GradientMode::discrete, GradientMode::continuous})
    for (const char* divergence : {"exact", "hutchinson:2"}) {
      CAPTURE(name(mode), divergence);
      const FlowOptions options = flow_options(mode, divergence, 1e-6);
      const ShareSize size = flow.share_size(true);
      TileFlow<double> own;
      TileShare<double> share;
      share.clear(size);
      share.params_bar.conservativeResize(size.gradient + 40);  // 40 values of somebody else's tail
      share.params_bar.tail(40).setConstant(kMark);
      own.begin(flow, options, Use::training, TileInput<double>{u, {Seed{1}, 0, 0}});
      REQUIRE(own.carry_recorded(share.forward).ok());
      Batch w = own.z();
      const Batch w_q = Batch::Constant(1, 9, -1);
      REQUIRE(own.pull(Out<double>(w.data(), 2, 9), Tile<double>(w_q.data(), 1, 9), share).ok());
      CHECK((share.params_bar.tail(40).array() == kMark).all());
      CHECK(share.params_bar.head(size.gradient).cwiseAbs().maxCoeff() > 0);
      CHECK(flow.fold(share.params_bar, true) == model.layout().size);
    }
}

TEST_CASE("a model that makes no sense is refused by name", "[flows][blocks][errors]") {
  using Catch::Contains;
  const Cnf good = three_blocks();
  CHECK_NOTHROW(check(good));
  const auto refused = [&](const std::function<void(Cnf&)>& change, const std::string& message) {
    Cnf model = good;
    change(model);
    CHECK_THROWS_WITH(check(model), Contains(message));
    CHECK_THROWS_WITH(Evaluator(model, evaluation()), Contains(message));
    CHECK_THROWS_WITH(make_objective<float>(model, {}), Contains(message));
  };
  refused([](Cnf& m) { m.blocks.clear(); }, "it has no block");
  refused([](Cnf& m) { m.blocks[1].field = small_shape({6}, Activation::sin, false, TimeConditioning::concat, 3); },
          "blocks over 2 and 3 dimensions");
  refused([](Cnf& m) { m.blocks[2].t_data = 0; }, "two different finite times");
  refused([](Cnf& m) { m.given.emplace_back().name = "age"; }, "the condition 'age'");
  refused([](Cnf& m) { m.params.conservativeResize(5); }, "it has 5 parameters");
  refused([](Cnf& m) { m.standardisation = Standardisation::identity(3); }, "the standardisation is over 3 dimensions");
  CHECK_THROWS_AS(good.mlp(), std::logic_error);

  const Batch x = normal_batch(2, 4, Seed{46}), c = normal_batch(1, 4, Seed{47});
  const Samples<double> with_condition(Tile<double>(x.data(), 2, 4), Tile<double>(c.data(), 1, 4));
  CHECK_THROWS_WITH(log_prob(good, with_condition, evaluation()),
                    Contains("1 conditions are given, this flow takes none"));
}

TEST_CASE("one MLP on N(0, I) has its tensors' own names, several blocks a prefix each", "[flows][blocks]") {
  const Cnf plain = part({8, 8}, 0, 1, 3);
  CHECK(plain.is_plain());
  CHECK(plain.layout().tensors.front().name == "layers.0.weight");
  const Cnf several = three_blocks();
  CHECK(!several.is_plain());
  const Layout all = several.layout();
  CHECK(all.size == several.params.size());
  Index end = 0, parameters = 0;
  for (const TensorSlice& slice : all.tensors) {
    CHECK(slice.offset >= end);
    CHECK(slice.offset % 16 == 0);
    end = slice.offset + slice.size();
    parameters += slice.size();
  }
  CHECK(all.parameters == parameters);
  CHECK(all.tensors.front().name == "blocks.0.layers.0.weight");
  CHECK(all.tensors.back().name.substr(0, 9) == "blocks.2.");
}
