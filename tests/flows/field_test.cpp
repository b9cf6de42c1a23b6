#include <catch2/catch.hpp>

#include "flows/divergence.hpp"
#include "tests/flows/models.hpp"
#include "tests/laws.hpp"

using namespace cnf;

namespace {

using Kind = DivergenceMethod::Kind;

/// Every way of computing a divergence, on every shape of field.
struct Case {
  FieldShape shape;
  DivergenceMethod method;
  bool per_sample;
  Vector<double> params;
  bool differences = true;  ///< whether the parameters' gradient is compared with differences too
};

std::string described(const Case& c) {
  FieldShape shape = c.shape;
  std::string text(kind(shape));
  for (const Setting& setting : settings(shape)) {
    text += ' ';
    if (const auto* whole = std::get_if<Setting::Whole>(&setting.value)) text += std::to_string(*whole->value);
    if (const auto* wholes = std::get_if<Setting::Wholes>(&setting.value))
      for (const Index n : *wholes->values) text += std::to_string(n) + ",";
    if (const auto* real = std::get_if<Setting::Real>(&setting.value)) text += std::to_string(*real->value);
    if (const auto* flag = std::get_if<Setting::Flag>(&setting.value)) text += *flag->value ? "true" : "false";
    if (const auto* choice = std::get_if<Setting::Choice>(&setting.value)) text += choice->get();
  }
  return text + (c.per_sample ? ", times per sample, method " : ", method ") +
         std::to_string(static_cast<int>(c.method.kind));
}

/// Parameters of ordinary size in every tensor, the gaps zero.
Vector<double> moving_parameters(const FieldShape& shape) {
  const Layout all = layout(shape);
  Vector<double> params = Vector<double>::Zero(all.size);
  for (const TensorSlice& slice : all.tensors)
    for (Index i = slice.offset; i < slice.offset + slice.size(); ++i)
      params[i] = 0.6 * normal(Seed{12}, Purpose::direction, 1, static_cast<std::uint64_t>(i), 0);
  return params;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const std::vector<Index>& hidden : {std::vector<Index>{5}, {5, 7}, {5, 7, 6}})
    for (const Activation activation : {Activation::tanh, Activation::softplus, Activation::silu, Activation::sin})
      for (const TimeConditioning time : {TimeConditioning::concat, TimeConditioning::concatsquash})
        for (const bool gate : {false, true})
          for (const bool per_sample : {false, true}) {
            const MlpShape shape = small_shape(hidden, activation, gate, time, 3);
            const Vector<double> params = small_flow(shape).params;
            const bool differences = activation == Activation::tanh || activation == Activation::sin;
            cases.push_back({shape, {Kind::none, 0}, per_sample, params, differences});
            cases.push_back({shape, {Kind::tangents, 3}, per_sample, params, differences});
            cases.push_back({shape, {Kind::hutchinson, 2}, per_sample, params, differences});
            if (hidden.size() <= 2 && !(per_sample && shape.gated(shape.layers() - 1)))
              cases.push_back({shape, {Kind::trace, 0}, per_sample, params, differences});
          }
  for (const Activation activation : {Activation::tanh, Activation::silu, Activation::sin})
    for (const bool per_sample : {false, true}) {
      const PlanarShape shape{.dim = 3, .units = 9, .activation = activation};
      const Vector<double> params = moving_parameters(shape);
      for (const DivergenceMethod method :
           {DivergenceMethod{Kind::none, 0}, {Kind::tangents, 3}, {Kind::hutchinson, 2}, {Kind::trace, 0}})
        cases.push_back({shape, method, per_sample, params});
    }
  for (const Index rank : {2, 10})
    for (const bool per_sample : {false, true}) {
      const PotentialShape shape{.dim = 3, .width = 9, .rank = rank};
      const Vector<double> params = moving_parameters(shape);
      for (const DivergenceMethod method :
           {DivergenceMethod{Kind::none, 0}, {Kind::tangents, 3}, {Kind::hutchinson, 2}, {Kind::trace, 0}})
        cases.push_back({shape, method, per_sample, params});
    }
  return cases;
}

struct Bound {
  explicit Bound(const Case& c)
      : params(c.params),
        field(make_field<double>(c.shape, {params.data(), static_cast<std::size_t>(params.size())})),
        probes(normal_batch(3, 2 * kB, Seed{8})),
        dynamics(*field, c.method, probes.data()) {}
  static constexpr Index kB = 6;
  Vector<double> params;
  std::unique_ptr<Field<double>> field;
  Batch probes;
  FlowDynamics<double> dynamics;
};

}  // namespace

TEST_CASE("vjp is the transpose of jvp, and jvp the derivative, for every field and divergence", "[flows][laws]") {
  for (const Case& c : all_cases()) {
    const Bound bound(c);
    CAPTURE(described(c));
    CHECK(transpose_law_error(bound.dynamics, Bound::kB, c.per_sample, Seed{4}) < 1e-14);
    CHECK(jvp_error(bound.dynamics, Bound::kB, c.per_sample, Seed{4}) < 2e-9);
  }
}

TEST_CASE("vjp's parameter gradient equals central differences", "[flows][laws]") {
  for (const Case& c : all_cases()) {
    if (!c.differences) continue;
    const Bound bound(c);
    const LawPoint p(bound.dynamics, Bound::kB, c.per_sample, Seed{6});
    Scratch scratch;
    std::vector<double> tape(static_cast<std::size_t>(bound.dynamics.tape_size(Bound::kB)));
    const LawValue here(bound.dynamics, p, 0, tape.data(), scratch);
    Matrix<double> z_bar = Matrix<double>::Zero(3, Bound::kB);
    std::vector<double> t_bar(p.t.size()), bar(static_cast<std::size_t>(bound.field->gradient_size()));
    bound.dynamics.vjp(tape.data(), Tile<double>(p.w_z.data(), 3, Bound::kB),
                       Tile<double>(p.w_q.data(), p.w_q.rows(), Bound::kB), Out<double>(z_bar.data(), 3, Bound::kB),
                       t_bar, bar, scratch);
    bound.field->fold_derived(bar);
    for (const TensorSlice& slice : layout(c.shape).tensors) {
      const auto value = [&](double h) {
        Vector<double> moved = bound.params;
        for (Index i = 0; i < slice.size(); ++i)
          moved[slice.offset + i] += h * normal(Seed{7}, Purpose::direction, 0, static_cast<std::uint64_t>(i), 0);
        const auto field = make_field<double>(c.shape, {moved.data(), static_cast<std::size_t>(moved.size())});
        const FlowDynamics<double> dynamics(*field, c.method, bound.probes.data());
        const LawValue at(dynamics, p, 0, nullptr, scratch);
        return (p.w_z.array() * at.dz.array()).sum() + (p.w_q.array() * at.dq.array()).sum();
      };
      const double h = 3e-4;
      const double slope = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h);
      double g = 0;
      for (Index i = 0; i < slice.size(); ++i)
        g += bar[static_cast<std::size_t>(slice.offset + i)] *
             normal(Seed{7}, Purpose::direction, 0, static_cast<std::uint64_t>(i), 0);
      CAPTURE(slice.name, described(c));
      CHECK(g == Approx(slope).epsilon(1e-8).margin(1e-9));
    }
  }
}

TEST_CASE("the closed-form divergence is the trace by tangents, which is that of the differenced Jacobian",
          "[flows][divergence]") {
  for (const std::vector<Index>& hidden : {std::vector<Index>{9}, {9, 8}})
    for (const bool gate : {false, true}) {
      const MlpShape shape = small_shape(hidden, Activation::tanh, gate, TimeConditioning::concatsquash, 4);
      const Vector<double> params = small_flow(shape).params;
      const MlpField<double> field(shape, {params.data(), static_cast<std::size_t>(params.size())});
      const FlowDynamics<double> trace(field, {Kind::trace, 0}), tangents(field, {Kind::tangents, 4});
      LawPoint p(trace, 5, false, Seed{2});
      Scratch scratch;
      const LawValue a(trace, p, 0, nullptr, scratch), b(tangents, p, 0, nullptr, scratch);
      CHECK((a.dz - b.dz).norm() == 0);
      CHECK((a.dq - b.dq).norm() < 1e-14 * b.dq.norm());
      Matrix<double> divergence = Matrix<double>::Zero(1, 5);
      for (Index i = 0; i < 4; ++i) {
        p.v.setZero();
        p.v.row(i).setOnes();
        p.t_dot[0] = 0;
        const double h = 1e-4;
        const LawValue up(tangents, p, h, nullptr, scratch), down(tangents, p, -h, nullptr, scratch);
        divergence += (up.dz - down.dz).row(i) / (2 * h);
      }
      CHECK((divergence - b.dq).norm() < 1e-7 * b.dq.norm());
    }
}

TEST_CASE("a batch of B equals B batches of one, bit for bit", "[flows][laws]") {
  const MlpShape shape = small_shape({19, 17}, Activation::sin);
  const Vector<float> params = small_flow(shape).params.cast<float>();
  const MlpField<float> field(shape, {params.data(), static_cast<std::size_t>(params.size())});
  const Batch x = normal_batch(2, 9, Seed{5});
  const Matrix<float> z = x.cast<float>();
  const float t = 0.3f;
  Scratch scratch;
  for (const Kind kind : {Kind::trace, Kind::tangents}) {
    const FlowDynamics<float> dynamics(field, {kind, 2});
    for (const Index B : {1, 3, 7, 8, 9}) {
      Matrix<float> dz(2, B), dq(1, B), one(2, 1), q(1, 1);
      dynamics.forward({&t, 1}, Tile<float>(z.data(), 2, B), Out<float>(dz.data(), 2, B), Out<float>(dq.data(), 1, B),
                       {}, nullptr, scratch);
      for (Index b = 0; b < B; ++b) {
        dynamics.forward({&t, 1}, Tile<float>(z.data() + 2 * b, 2, 1), Out<float>(one.data(), 2, 1),
                         Out<float>(q.data(), 1, 1), {}, nullptr, scratch);
        CHECK((one == dz.col(b) && q(0) == dq(0, b)));
      }
    }
  }
}

TEST_CASE("with relu the field stays continuous and its divergence jumps, so a method of order 4 loses its order",
          "[flows][order]") {
  const auto observed_order = [](Activation activation) {
    const MlpShape shape = small_shape({12, 12}, activation);
    const Cnf model = small_flow(shape, Seed{21});
    const MlpField<double> field(shape, {model.params.data(), static_cast<std::size_t>(model.params.size())});
    const FlowDynamics<double> dynamics(field, {Kind::trace, 0});
    const auto solved = [&](int steps) {
      State<double> state(dynamics.blocks(), 32);
      state.z() = normal_batch(2, 32, Seed{22});
      Scratch scratch;
      Counters counters;
      SolveOptions options;
      options.method = find_tableau("rk4");
      options.fixed_steps = steps;
      REQUIRE(integrate(dynamics, 0.0, 1.0, state, options, scratch, counters).ok());
      return Vector<double>(state.values);
    };
    const Vector<double> exact = solved(4096);
    return std::log2((solved(16) - exact).norm() / (solved(64) - exact).norm()) / 2;
  };
  CHECK(observed_order(Activation::tanh) == Approx(4).margin(0.3));
  CHECK(observed_order(Activation::relu) < 2);
}
