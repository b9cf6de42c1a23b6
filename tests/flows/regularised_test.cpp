// Terms of a solve beside the likelihood, random end times, and weighted sums of objectives.
#include <catch2/catch.hpp>
#include <functional>

#include "flows/objectives/objective_text.hpp"
#include "solvers/method.hpp"
#include "tests/flows/models.hpp"
#include "tests/laws.hpp"

using namespace cnf;
using Catch::Contains;

namespace {

using Kind = DivergenceMethod::Kind;
const std::vector<Quadrature> kBoth{Quadrature::frobenius, Quadrature::kinetic};

MaximumLikelihood likelihood(const char* divergence, std::vector<Quadrature> beside, std::vector<double> weights,
                             const char* method = "rk4:6", GradientMode gradient = GradientMode::discrete) {
  const MethodChoice choice = parse_method(method);
  SolveOptions solve;
  solve.method = choice.method;
  solve.fixed_steps = choice.fixed_steps;
  solve.rtol = solve.atol = 1e-9;
  MaximumLikelihood of{{solve, solve, parse_divergence(divergence), gradient}};
  of.flow.beside = std::move(beside);
  of.weights = std::move(weights);
  return of;
}

LossGradient<double> loss_gradient(const Cnf& model, const Batch& u, const ObjectiveSum& sum, std::uint32_t step = 5,
                                   int threads = 1) {
  LossGradient<double> at = (*make_objective<double>(model, {sum, threads, Seed{9}}))(model.params, u, step);
  REQUIRE(at.failures.empty());
  return at;
}

/// |slope - the fourth-order central difference| over the difference.
double error_along(double slope, double h, const std::function<double(double)>& loss) {
  const double difference = (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / (12 * h);
  return std::abs(slope - difference) / std::abs(difference);
}

/// The largest error of any derivative of the sum's loss.
double worst_error(const Cnf& model, const Batch& u, const ObjectiveSum& sum) {
  const LossGradient<double> at = loss_gradient(model, u, sum);
  const auto along = [&](double slope, const std::function<void(Cnf&, Batch&, double)>& move) {
    return error_along(slope, 1e-3, [&](double h) {
      Cnf moved = model;
      Batch points = u;
      move(moved, points, h);
      return loss_gradient(moved, points, sum).loss;
    });
  };
  double worst = 0;
  for (const TensorSlice& slice : model.layout().tensors) {
    Vector<double> direction = Vector<double>::Zero(model.params.size());
    direction.segment(slice.offset, slice.size()) = normal_batch(slice.size(), 1, Seed{72});
    worst = std::max(worst, along(at.dloss_dparams.dot(direction),
                                  [&](Cnf& moved, Batch&, double h) { moved.params += h * direction; }));
  }
  const Batch du = normal_batch(model.dim(), u.cols(), Seed{73});
  worst = std::max(worst, along(at.dloss_du.cwiseProduct(du).sum(), [&](Cnf&, Batch& x, double h) { x += h * du; }));
  for (std::size_t k = 0; k < model.blocks.size(); ++k) {
    worst =
        std::max(worst, along(at.dloss_dt_data(k), [k](Cnf& moved, Batch&, double h) { moved.blocks[k].t_data += h; }));
    worst =
        std::max(worst, along(at.dloss_dt_base(k), [k](Cnf& moved, Batch&, double h) { moved.blocks[k].t_base += h; }));
  }
  return worst;
}

}  // namespace

TEST_CASE("a flow with quadratures keeps the laws, with every way to the divergence", "[flows][laws][regularised]") {
  const MlpShape shape = small_shape({5, 7}, Activation::tanh, false, TimeConditioning::concatsquash, 3);
  const Vector<double> params = small_flow(shape).params;
  const auto field = make_field<double>(shape, {params.data(), static_cast<std::size_t>(params.size())});
  const Batch probes = normal_batch(3, 2 * 6, Seed{8});
  const std::vector<Quadrature> kinetic{Quadrature::kinetic};
  for (const DivergenceMethod method : {DivergenceMethod{Kind::tangents, 3}, {Kind::hutchinson, 2}, {Kind::trace, 0}})
    for (const bool per_sample : {false, true})
      for (const bool forwards : {false, true}) {
        CAPTURE(static_cast<int>(method.kind), per_sample, forwards);
        const RegularisedDynamics<double> dynamics(*field, method, probes.data(),
                                                   method.kind == Kind::trace ? kinetic : kBoth, forwards);
        CHECK(transpose_law_error(dynamics, 6, per_sample, Seed{4}) < 1e-14);
        CHECK(jvp_error(dynamics, 6, per_sample, Seed{4}) < 2e-9);
      }
  CHECK_THROWS_WITH(RegularisedDynamics<double>(*field, {Kind::trace, 0}, nullptr, kBoth, true),
                    Contains("tangents or probes"));
  const std::vector<Quadrature> hjb{Quadrature::hjb};
  CHECK_THROWS_WITH(RegularisedDynamics<double>(*field, {Kind::trace, 0}, nullptr, hjb, true), Contains("potential"));
}

TEST_CASE("a potential with quadratures keeps the laws, its Hamilton-Jacobi-Bellman rate among them",
          "[flows][laws][regularised]") {
  const PotentialShape shape{.dim = 3, .width = 8};
  const Vector<double> params = 1.5 * shape.initial_parameters(Seed{3});
  const auto field = make_field<double>(shape, {params.data(), static_cast<std::size_t>(params.size())});
  const Batch probes = normal_batch(3, 2 * 6, Seed{8});
  const std::vector<Quadrature> two{Quadrature::hjb, Quadrature::kinetic},
      all{Quadrature::kinetic, Quadrature::hjb, Quadrature::frobenius};
  for (const DivergenceMethod method : {DivergenceMethod{Kind::tangents, 3}, {Kind::hutchinson, 2}, {Kind::trace, 0}})
    for (const bool per_sample : {false, true})
      for (const bool forwards : {false, true}) {
        CAPTURE(static_cast<int>(method.kind), per_sample, forwards);
        const RegularisedDynamics<double> dynamics(*field, method, probes.data(),
                                                   method.kind == Kind::trace ? two : all, forwards);
        CHECK(transpose_law_error(dynamics, 6, per_sample, Seed{4}) < 1e-14);
        CHECK(jvp_error(dynamics, 6, per_sample, Seed{4}) < 2e-9);
      }
}

/// Phi(z, t) = w . N + |A s|^2 / 2 + b . s in plain Eigen, from the tensors in their order.
double potential(const PotentialShape& shape, const Vector<double>& params, const Vector<double>& s) {
  const Layout all = shape.layout();
  const auto tensor = [&](std::size_t i) -> Matrix<double> {
    return Tile<double>(params.data() + all.tensors[i].offset, all.tensors[i].rows, all.tensors[i].cols);
  };
  const auto sigma = [](const Vector<double>& a) -> Vector<double> {
    return (a.array().exp() + (-a.array()).exp()).log();
  };
  const Vector<double> u = sigma(tensor(0) * s + tensor(1));
  const Vector<double> N = u + sigma(tensor(2) * u + tensor(3));
  return tensor(4).col(0).dot(N) + (tensor(5) * s).squaredNorm() / 2 + tensor(6).col(0).dot(s);
}

TEST_CASE("a potential field is minus the slope of the potential written out, and hjb what it lacks of its equation",
          "[flows][regularised]") {
  const PotentialShape shape{.dim = 3, .width = 8, .rank = 2};
  Vector<double> params = shape.initial_parameters(Seed{3});
  params.segment(shape.layout().tensors[6].offset, 4) = Eigen::Vector4d(0.4, -0.7, 0.2, 0.9);
  const auto field = make_field<double>(shape, {params.data(), static_cast<std::size_t>(params.size())});
  const Vector<double> s = normal_batch(4, 1, Seed{5});
  Vector<double> slope(4), second(3);
  for (Index i = 0; i < 4; ++i) {
    const auto at = [&](double h) { return potential(shape, params, s + h * Vector<double>::Unit(4, i)); };
    const double h = 2e-3;
    slope[i] = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    if (i < 3) second[i] = (16 * (at(h) + at(-h)) - (at(2 * h) + at(-2 * h)) - 30 * at(0)) / (12 * h * h);
  }
  const std::vector<Quadrature> hjb{Quadrature::hjb};
  const RegularisedDynamics<double> dynamics(*field, {Kind::trace, 0}, nullptr, hjb, false);
  Vector<double> f(3), q(2);
  Scratch scratch;
  dynamics.forward({&s[3], 1}, Tile<double>(s.data(), 3, 1), Out<double>(f.data(), 3, 1), Out<double>(q.data(), 2, 1),
                   {}, nullptr, scratch);
  CHECK((f + slope.head(3)).norm() < 1e-10 * f.norm());
  CHECK(q[0] == Approx(-second.sum()).epsilon(1e-8));
  CHECK(q[1] == Approx(-std::abs(slope[3] - slope.head(3).squaredNorm() / 2)).epsilon(1e-10));
}

TEST_CASE("of straight paths at constant speed hjb is zero", "[flows][regularised]") {
  // Of a constant velocity -c: Phi = c . z + |c|^2 t / 2.
  const PotentialShape shape{.dim = 2, .width = 4};
  Cnf model = small_flow(small_shape({4}));
  model.blocks = {{shape, 0, 1}};
  model.params = Vector<double>::Zero(shape.layout().size);
  const Eigen::Vector3d slopes(0.6, -0.8, 0.5);
  model.params.segment(shape.layout().tensors[6].offset, 3) = slopes;
  const Batch u = normal_batch(2, 20, Seed{71});
  const auto parts = loss_gradient(model, u, likelihood("auto", {Quadrature::hjb, Quadrature::kinetic}, {1, 1})).parts;
  CHECK(parts[1] < 1e-15);
  CHECK(parts[2] == Approx(1).epsilon(1e-14));
  model.params[shape.layout().tensors[6].offset + 2] += 0.25;
  CHECK(loss_gradient(model, u, likelihood("auto", {Quadrature::hjb}, {1})).parts[1] == Approx(0.25).epsilon(1e-14));
}

TEST_CASE("the rates are |f|^2 and |J|_F^2, which one probe estimates without bias, and grow either way in time",
          "[flows][regularised][statistics]") {
  const MlpShape shape = small_shape({6, 6}, Activation::tanh, false, TimeConditioning::concatsquash, 3);
  const Vector<double> params = small_flow(shape).params;
  const auto field = make_field<double>(shape, {params.data(), static_cast<std::size_t>(params.size())});
  constexpr int n = 20000;  // copies of one point, a probe each
  const Batch z = normal_batch(3, 1, Seed{1}).replicate(1, n);
  Batch probes(3, n), f(3, n), q(3, n);
  draw_probes(Probe::rademacher, 1, Seed{12}, 0, 0, 3, n, probes.data());
  const double t = 0.4;
  Scratch scratch;
  const auto rates = [&](DivergenceMethod method, bool forwards) -> Batch {
    const RegularisedDynamics<double> dynamics(*field, method, probes.data(), kBoth, forwards);
    dynamics.forward({&t, 1}, Tile<double>(z.data(), 3, n), Out<double>(f.data(), 3, n), Out<double>(q.data(), 3, n),
                     {}, nullptr, scratch);
    return q;
  };
  const Batch exact = rates({Kind::tangents, 3}, true), back = rates({Kind::tangents, 3}, false);
  Batch J(3, 3), at(3, 1);
  const Batch I = Batch::Identity(3, 3);
  field->forward({&t, 1}, Tile<double>(z.data(), 3, 1), Tile<double>(I.data(), 3, 3), Out<double>(at.data(), 3, 1),
                 Out<double>(J.data(), 3, 3), nullptr, scratch);
  CHECK(exact(1, 0) == Approx(J.squaredNorm()).epsilon(1e-14));
  CHECK(exact(2, 0) == Approx(at.squaredNorm()).epsilon(1e-14));
  CHECK(back.row(0) == exact.row(0));  // the divergence has no sign of its own
  CHECK(back.bottomRows(2) == -exact.bottomRows(2));
  const Batch estimate = rates({Kind::hutchinson, 1}, true);
  const auto row = estimate.row(1).array();
  const double deviation = std::sqrt((row - row.mean()).square().mean() / n);
  CHECK(std::abs(row.mean() - J.squaredNorm()) < 4.5 * deviation);  // by chance once in 150 000 seeds
}

TEST_CASE("the gradient of likelihood with terms, at random end times and in sums equals central differences",
          "[flows][regularised]") {
  const Cnf two = small_flow(small_shape({8, 8}));
  const Batch u = normal_batch(2, 20, Seed{71});
  CHECK(worst_error(two, u, likelihood("auto", kBoth, {0.3, 0.7})) < 1e-8);
  CHECK(worst_error(two, u, likelihood("hutchinson:2", kBoth, {0.3, 0.7})) < 1e-8);
  CHECK(worst_error(two, u, likelihood("exact", {Quadrature::kinetic}, {0.7})) < 1e-8);  // by the closed form
  MaximumLikelihood steered = likelihood("auto", {Quadrature::kinetic}, {0.7});
  steered.steer = 0.4;
  CHECK(worst_error(two, u, steered) < 1e-8);
  CHECK(worst_error(two, u, ObjectiveSum({{likelihood("auto", kBoth, {0.3, 0.7}), 0.5}, {FlowMatching{}, 2}})) < 1e-8);

  Cnf slope = two;
  slope.blocks = {{PotentialShape{.dim = 2, .width = 8}, 0, 1}};
  slope.params = initial_parameters(slope.blocks[0].field, Seed{4});
  slope.params[slope.layout().tensors.back().offset + 2] = 3;  // hjb's rate keeps its sign: it has a kink at 0
  const std::vector<Quadrature> transport{Quadrature::kinetic, Quadrature::hjb};
  CHECK(worst_error(slope, u, likelihood("auto", transport, {0.3, 0.7})) < 1e-8);
  CHECK(worst_error(slope, u, likelihood("hutchinson:2", transport, {0.3, 0.7})) < 1e-8);
  CHECK_THROWS_WITH(make_objective<double>(two, {likelihood("auto", {Quadrature::hjb}, {1})}),
                    Contains("hjb is for a field that is the slope of a potential, this is mlp"));

  Cnf blocks = two;  // the second runs down in time
  blocks.blocks = {{small_shape({8, 8}), 0, 1}, {small_shape({8, 8}), 0.5, -0.25}};
  blocks.params.resize(2 * two.params.size());
  blocks.params << two.params, 0.8 * two.params;
  const MaximumLikelihood of = likelihood("auto", kBoth, {0.3, 0.7});
  CHECK(worst_error(blocks, u, of) < 1e-8);
  for (const double part : loss_gradient(blocks, u, of).parts) CHECK(part > 0);
}

TEST_CASE("the continuous gradient of a solve's terms goes to the discrete one", "[flows][regularised]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const Batch u = normal_batch(2, 20, Seed{71});
  const auto discrete = loss_gradient(model, u, likelihood("auto", kBoth, {0.3, 0.7}, "dopri5"));
  const auto continuous =
      loss_gradient(model, u, likelihood("auto", kBoth, {0.3, 0.7}, "dopri5", GradientMode::continuous));
  CHECK(continuous.loss == discrete.loss);
  CHECK((continuous.dloss_dparams - discrete.dloss_dparams).norm() < 1e-7 * discrete.dloss_dparams.norm());
}

TEST_CASE("a sum is told by its parts, and no part moves another", "[flows][regularised]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const Batch u = normal_batch(2, 150, Seed{71});
  const MaximumLikelihood plain = likelihood("auto", {}, {}), with = likelihood("auto", kBoth, {0.2, 0.4});
  const ObjectiveSum sum({{with, 0.5}, {FlowMatching{}, 2}});
  CHECK(part_names(sum) == std::vector<std::string_view>{"likelihood", "frobenius", "kinetic", "flow-matching"});
  const auto all = loss_gradient(model, u, sum), one = loss_gradient(model, u, with),
             matching = loss_gradient(model, u, FlowMatching{});
  REQUIRE(all.parts.size() == 4);
  CHECK(all.loss ==
        Approx(0.5 * (all.parts[0] + 0.2 * all.parts[1] + 0.4 * all.parts[2]) + 2 * all.parts[3]).epsilon(1e-14));
  CHECK(all.parts[0] == Approx(loss_gradient(model, u, likelihood("exact", {}, {})).loss).epsilon(1e-12));
  CHECK(all.parts[3] == matching.loss);
  CHECK((all.dloss_dparams - 0.5 * one.dloss_dparams - 2 * matching.dloss_dparams).norm() <
        1e-14 * all.dloss_dparams.norm());
  CHECK(loss_gradient(model, u, plain).parts.empty());
  const auto threaded = loss_gradient(model, u, sum, 5, 3);
  CHECK((threaded.loss == all.loss && threaded.parts == all.parts && threaded.dloss_dparams == all.dloss_dparams));
}

TEST_CASE("a weight that has risen is a larger weight, to the bit, and is told", "[flows][regularised]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const Batch u = normal_batch(2, 150, Seed{71});
  MaximumLikelihood rising = likelihood("auto", kBoth, {0.2, 0.4});
  rising.rising = {1, 0};
  ObjectiveSum sum({{rising, 1}});
  CHECK(part_names(sum) == std::vector<std::string_view>{"likelihood", "frobenius", "kinetic", "raised"});
  const auto begin = loss_gradient(model, u, sum),
             fixed = loss_gradient(model, u, likelihood("auto", kBoth, {0.2, 0.4}));
  CHECK((begin.loss == fixed.loss && begin.dloss_dparams == fixed.dloss_dparams));
  sum.raise(8);
  const auto raised = loss_gradient(model, u, sum),
             high = loss_gradient(model, u, likelihood("auto", kBoth, {1.6, 0.4}));
  CHECK((raised.loss == high.loss && raised.dloss_dparams == high.dloss_dparams));
  CHECK(raised.parts.at(3) == Approx(8).epsilon(1e-15));
  CHECK(raised.parts.at(1) == begin.parts.at(1));
}

TEST_CASE("a random end time is one a step, the base's own give or take as much as was asked", "[flows][regularised]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  const Batch u = normal_batch(2, 150, Seed{71});
  MaximumLikelihood steered = likelihood("auto", {}, {});
  steered.steer = 0.5;
  for (const std::uint32_t step : {0u, 1u, 2u}) {
    Cnf moved = model;
    moved.blocks[0].t_base = 0.5 * (2 * uniform(Seed{9}, Purpose::end_time, step, 0, 0) - 1);
    CHECK(loss_gradient(model, u, steered, step).loss ==
          loss_gradient(moved, u, likelihood("auto", {}, {}), step).loss);
  }
  steered.steer = 1;
  CHECK_THROWS_WITH(make_objective<double>(model, {steered}),
                    Contains("steer is 1, expected 0 or more and less than the 1"));
}

TEST_CASE("a sum is read from its text, and what is none is refused by name", "[flows][regularised][text]") {
  const auto weights = [](std::string_view text) {
    std::string out;
    for (const NamedWeight& one : split_objective(text)) out += one.name + "=" + std::to_string(one.weight) + " ";
    return out;
  };
  CHECK(weights("likelihood") == "likelihood=1.000000 ");
  CHECK(weights("likelihood:2+kinetic:1e-2+frobenius:1e+3") ==
        "likelihood=2.000000 kinetic=0.010000 frobenius=1000.000000 ");
  CHECK(split_objective("likelihood+kinetic:1e-2^").at(1).rises);
  CHECK(weights("kinetic:1e-2^") == "kinetic=0.010000 ");
  for (const char* text : {"kinetic:^", "kinetic:1^^", "", "+likelihood", "likelihood+", "likelihood:", "kinetic:0",
                           "kinetic:-1", "kinetic:nan", "kinetic:1x", "likelihood+likelihood", ":1"})
    CHECK_THROWS_AS(split_objective(text), std::invalid_argument);
  const ObjectiveSum sum = objective_sum(split_objective("kinetic:3+likelihood:2"));
  CHECK(std::get<MaximumLikelihood>(sum.summands.at(0).what).weights == std::vector<double>{1.5});
  CHECK_THROWS_WITH(objective_sum(split_objective("flow-matching+kinetic:1")), Contains("add likelihood"));
  CHECK_THROWS_WITH(objective_sum(split_objective("likelihood:2^")), Contains("cannot rise"));
  CHECK_THROWS_WITH(objective_sum(split_objective("likelihod")), Contains("'likelihod' is no objective"));
}
