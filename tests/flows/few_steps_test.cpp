#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "flows/certificate.hpp"
#include "flows/judge/transport.hpp"
#include "flows/objectives/objectives.hpp"
#include "flows/training/flow_task.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

constexpr double kRate = 0.8;

/// dz/dt = kRate z, by a network whose units stay near 0, where tanh is a line: to 1e-5 for |z| < 10.
Cnf growing() {
  constexpr double kSmall = 5e-4;
  Cnf model = small_flow(small_shape({2}, Activation::tanh, false, TimeConditioning::concat));
  model.params.setZero();
  const std::vector<TensorSlice> tensors = model.layout().tensors;
  const auto weight = [&](const char* name) {
    for (const TensorSlice& tensor : tensors)
      if (tensor.name.ends_with(name)) return model.params.data() + tensor.offset;
    throw std::logic_error(name);
  };
  double *first = weight("0.weight"), *second = weight("1.weight");
  for (const Index i : {0, 3}) first[i] = kSmall, second[i] = kRate / kSmall;
  return model;
}

double by_few_steps(const Cnf& model, const Batch& x, double weight) {
  FewSteps few;
  few.weight = weight;
  return (*make_objective<double>(model, {few, 1, Seed{9}}))(model.params, x, 5).loss;
}

}  // namespace

TEST_CASE("on a linear field the certificate has the errors of the closed form", "[flows][few-steps]") {
  const Cnf model = growing();
  for (const int steps : {2, 4}) {
    const Certificate found = certify(model, {&kMidpoint, steps});
    REQUIRE(found.rows == 4096);
    CHECK(found.evaluations == 2 * steps);
    // A step multiplies by 1 + r + r^2 / 2, r = rate / steps, and to the base by the same with -r. The divergence is
    // constant and exact, so log p is off by what N(0, I) is: E |z|^2 / 2 = 1, and 99.9 % of it are below log 1000.
    const double r = kRate / steps;
    const double there = std::pow(1 + r + r * r / 2, steps), back = std::pow(1 - r + r * r / 2, steps);
    const double factor = std::abs(std::pow(back * std::exp(kRate), 2) - 1);
    CHECK(found.log_prob.mean == Approx(factor).epsilon(4.5 / 64));
    CHECK(found.log_prob.most == Approx(factor * std::log(1000)).margin(factor * 4.5 * 0.5));
    CHECK(found.log_prob.largest / found.log_prob.mean < 25);  // |z|^2 / 2 > 25 once in 4096 e^-25 seeds
    // A sample is z there; its log p said log N(z) - 2 rate, that of the point log N(z there e^-rate) - 2 rate.
    CHECK(found.sample.mean == Approx(std::abs(1 - std::pow(there * std::exp(-kRate), 2))).epsilon(4.5 / 64));
    const double away = std::abs(there - std::exp(kRate));
    CHECK(found.moved.mean == Approx(away * std::sqrt(std::numbers::pi / 2)).epsilon(4.5 * 0.523 / 64));
  }
  CHECK_THROWS_AS(certify(model, {&kMidpoint, 0}), std::invalid_argument);
}

TEST_CASE("the certificate does not depend on the number of threads", "[flows][few-steps][bits]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  EvaluationOptions one, three;
  one.threads = 1, three.threads = 3;
  const Certificate a = certify(model, {&kMidpoint, 2}, one), b = certify(model, {&kMidpoint, 2}, three);
  CHECK(a.log_prob.mean == b.log_prob.mean);
  CHECK(a.sample.largest == b.sample.largest);
  CHECK(a.moved.most == b.moved.most);
}

TEST_CASE("an error that is no number is infinite", "[flows][few-steps]") {
  Vector<double> errors = Vector<double>::Constant(2000, 0.5);
  errors[7] = 2;
  CHECK(ErrorSpread(errors).mean == Approx(0.5 + 1.5 / 2000));
  CHECK(ErrorSpread(errors).most == 0.5);
  CHECK(ErrorSpread(errors).largest == 2);
  errors[9] = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(ErrorSpread(errors).finite());
}

TEST_CASE("the loss of few steps is likelihood plus its closeness times the differences", "[flows][few-steps]") {
  const Batch x = normal_batch(2, 100, Seed{4});
  Cnf still = growing();
  still.params.setZero();
  FlowOptions fine;
  fine.solve.rtol = fine.solve.atol = 1e-10;
  const auto likelihood = [&](const Cnf& model) {
    return (*make_objective<double>(model, {MaximumLikelihood{fine}, 1, Seed{9}}))(model.params, x, 5).loss;
  };
  CHECK(by_few_steps(still, x, 1000) == Approx(likelihood(still)).epsilon(1e-13));
  const Cnf model = small_flow(small_shape({8, 8}));
  const double alone = by_few_steps(model, x, 0);
  CHECK(alone == Approx(likelihood(model)).margin(1e-2));  // two steps of rk4, of unequal size
  const double one = by_few_steps(model, x, 1) - alone, seven = by_few_steps(model, x, 7) - alone;
  CHECK(one > 1e-3);
  CHECK(seven == Approx(7 * one).epsilon(1e-10));
}

TEST_CASE("the gradient of few steps by the samples equals differences", "[flows][few-steps][gradient]") {
  const Cnf model = small_flow(small_shape({8, 8}));
  FewSteps few;
  const auto objective = make_objective<double>(model, {few, 1, Seed{9}});
  Batch u = normal_batch(2, 70, Seed{4});
  const Matrix<double> slope = (*objective)(model.params, u, 5).dloss_du;
  constexpr double kStep = 1e-5;
  for (const Index i : {0, 33, 69})
    for (const Index d : {0, 1}) {
      const double at = u(d, i);
      u(d, i) = at + kStep;
      const double above = (*objective)(model.params, u, 5).loss;
      u(d, i) = at - kStep;
      const double below = (*objective)(model.params, u, 5).loss;
      u(d, i) = at;
      CHECK(slope(d, i) == Approx((above - below) / (2 * kStep)).epsilon(1e-5).margin(1e-8));
    }
}

TEST_CASE("reflow matches rows with the base points that led to them", "[flows][few-steps][matching]") {
  const Cnf model = growing();
  const Batch z = normal_batch(2, 50, Seed{6}), x = std::exp(kRate) * z;
  FlowMatching matching;
  matching.coupling.kind = Coupling::Kind::kept;
  CHECK_THROWS_AS(make_objective<double>(model, {matching, 1, Seed{9}}), std::invalid_argument);
  matching.coupling.base_points = &z;
  matching.coupling.rows_seed = Seed{2};
  const TrainingData data = training_rows(x, Batch(2, 0), Seed{2});
  Batch batch(2, 200), given(0, 200);
  data.draw(7, {Out<double>(batch.data(), 2, 200), Out<double>(given.data(), 0, 200)});
  // Pairs (z, e^c z) move at (e^c - 1) z along straight lines; a field of parameters 0 misses just that.
  Vector<double> none = Vector<double>::Zero(model.params.size());
  const double loss = (*make_objective<double>(model, {matching, 1, Seed{9}}))(none, batch, 7).loss;
  CHECK(loss == Approx(std::pow((std::exp(kRate) - 1) / std::exp(kRate), 2) * batch.squaredNorm() / 400));
}

TEST_CASE("the Wasserstein distance of shifted points is the shift", "[flows][judge]") {
  const Batch a = normal_batch(3, 80, Seed{1});
  Batch b = a.rowwise().reverse();
  b.colwise() += Eigen::Vector3d(0.3, -0.4, 1.2);
  CHECK(wasserstein2(a, b) == Approx(1.3).epsilon(1e-12));
  CHECK(wasserstein2(a, a) == 0);
  const Batch other = normal_batch(3, 80, Seed{2});
  CHECK(wasserstein2(a, other) == Approx(wasserstein2(other, a)).epsilon(1e-12));
  CHECK(wasserstein2(a, other) <= std::sqrt((a - other).squaredNorm() / 80));
  CHECK_THROWS_AS(wasserstein2(a, Batch(3, 79)), std::invalid_argument);
}
