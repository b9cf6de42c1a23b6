// The kernels of MlpField on every instruction set this machine has, against the plain reference in a wider type.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "flows/divergence.hpp"
#include "flows/fields/mlp.hpp"
#include "tests/guarded.hpp"
#include "tests/rounded.hpp"
#include "tests/targets.hpp"

namespace {

using namespace cnf;

/// What stands beside f: J v for any tangents, the divergence in closed form, or the divergence by D tangents.
enum class Beside { jv, trace, tangents };
constexpr Beside kAllBeside[] = {Beside::jv, Beside::trace, Beside::tangents};
std::string_view name(Beside what) {
  return what == Beside::jv ? "J v" : what == Beside::trace ? "closed-form divergence" : "divergence by tangents";
}

struct Case {
  MlpShape shape;
  Index B, C;
  bool per_sample;

  Index times() const { return per_sample ? B : 1; }
  bool has(Beside what) const {
    const bool moving_trace = times() > 1 && shape.gated(shape.layers() - 1);
    return what != Beside::trace || (shape.has_trace() && !moving_trace);
  }
  std::string text() const {
    std::string widths;
    for (const Index H : shape.hidden) widths += std::to_string(H) + "-";
    return std::to_string(shape.dim) + "-" + widths + std::to_string(shape.dim) + " " +
           std::string(name(shape.activation)) + " " + std::string(name(shape.time)) +
           (shape.output_gate ? " gated output" : "") + ", B " + std::to_string(B) + ", C " + std::to_string(C) +
           (per_sample ? ", a time per sample" : "");
  }
};

const std::vector<Index> kWidths{1,  2,  3,  4,  5,  7,  8,  9,  15, 16, 17, 23, 24, 25,
                                 31, 32, 33, 47, 48, 49, 63, 64, 65, 66, 95, 96, 97, 129};
const std::vector<Index> kDims{1, 2, 3, 5, 16, 17, 43}, kBatches{1, 2, 3, 5, 6, 7, 12, 13, 64},
    kTangents{0, 1, 2, 3, 5, 7};

/// Every width as one hidden layer, as the first of two, as the last of two, and every other one in three; the rest is
/// drawn. A batch that would make the reference slow is drawn again.
std::vector<Case> all_cases() {
  std::mt19937_64 generator(12);
  const auto draw = [&](const auto& list) { return list[generator() % std::size(list)]; };
  std::vector<Case> cases;
  const auto add = [&](std::vector<Index> hidden) {
    Case c;
    c.shape.hidden = std::move(hidden);
    c.shape.activation = draw(kAllActivations);
    const auto gates = generator() % 3;
    c.shape.time = gates == 0 ? TimeConditioning::concat : TimeConditioning::concatsquash;
    c.shape.output_gate = gates == 2;
    c.per_sample = generator() % 3 == 0;
    Index weights, columns;
    do {
      c.shape.dim = draw(kDims), c.B = draw(kBatches), c.C = draw(kTangents);
      weights = MlpLayout(c.shape).parameters;
      columns = c.B * (2 + c.C + c.shape.dim);
    } while (weights * columns > 400'000 && columns > 14);
    cases.push_back(std::move(c));
  };
  const std::size_t n = kWidths.size();
  for (std::size_t i = 0; i < n; ++i) {
    add({kWidths[i]});
    add({kWidths[i], kWidths[(5 * i + 9) % n]});
    if (i % 2 == 0) add({kWidths[(3 * i + 1) % n], kWidths[i], kWidths[(9 * i + 4) % n]});
  }
  const MlpShape usual{};  // the program's own: two hidden layers of 96 in the plane
  cases.push_back({usual, 64, 1, false});
  cases.push_back({{.dim = 43, .hidden = {48}, .activation = Activation::softplus, .output_gate = true}, 3, 7, false});
  cases.push_back({{.hidden = {260, 130}, .activation = Activation::tanh}, 17, 1, false});  // beyond a product's blocks
  return cases;
}

/// Samples first .. first + n - 1 of every block of B columns in x.
template <class T>
std::vector<T> columns(const std::vector<T>& x, Index rows, Index B, Index first, Index n) {
  std::vector<T> y;
  for (auto block = x.begin(); block != x.end(); block += rows * B)
    y.insert(y.end(), block + rows * first, block + rows * (first + n));
  return y;
}

/// Everything an evaluation reads, as floats are, so that every type computes from the same numbers.
struct Inputs {
  Case c;
  std::vector<double> params, t, t_dot, z, z_dot, tangents, w_f, w_jv, w_div, z_bar, t_bar, params_bar;

  Inputs(const Case& c_, std::uint64_t seed) : c(c_) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<float> normal;
    const auto draw = [&](Index n) {
      std::vector<double> x(static_cast<std::size_t>(n));
      for (double& y : x) y = static_cast<double>(normal(generator));
      return x;
    };
    const Index D = c.shape.dim, B = c.B;
    constexpr float kStart = 0x1p-6f;  // of the gradients: enough to see that they are added to, too small to blur them
    const MlpLayout layout(c.shape);
    params.resize(static_cast<std::size_t>(layout.size));  // the gaps stay 0, in the parameters and in params_bar
    params_bar = params;
    for (const TensorSlice& slice : layout.tensors)
      for (Index i = slice.offset; i < slice.offset + slice.size(); ++i) {
        const float scale = slice.vector ? 0.7f : 1.4f / std::sqrt(static_cast<float>(slice.cols));
        params[static_cast<std::size_t>(i)] = static_cast<double>(scale * normal(generator));
        params_bar[static_cast<std::size_t>(i)] = static_cast<double>(kStart * normal(generator));
      }
    t = draw(c.times()), t_dot = draw(c.times()), t_bar = draw(c.times());
    z = draw(D * B), z_dot = draw(D * B), z_bar = draw(D * B), w_f = draw(D * B), w_div = draw(B);
    for (std::vector<double>* bar : {&z_bar, &t_bar})
      for (double& x : *bar) x *= static_cast<double>(kStart);
    tangents = draw(D * c.C * B), w_jv = draw(D * c.C * B);
  }

  /// The same point for samples first .. first + n - 1 alone.
  Inputs samples(Index first, Index n) const {
    Inputs part = *this;
    part.c.B = n;
    for (auto x : {&Inputs::z, &Inputs::z_dot, &Inputs::z_bar, &Inputs::w_f, &Inputs::tangents, &Inputs::w_jv})
      part.*x = columns(this->*x, c.shape.dim, c.B, first, n);
    part.w_div = columns(w_div, 1, c.B, first, n);
    if (c.times() > 1)
      for (auto x : {&Inputs::t, &Inputs::t_dot, &Inputs::t_bar}) part.*x = columns(this->*x, 1, c.B, first, n);
    return part;
  }
};

/// The three functions of a field and what stands beside f, under one name each.
template <class T>
struct Evaluation {
  const Field<T>& field;
  Beside what;

  FlowDynamics<T> flow() const { return {field, {DivergenceMethod::Kind::tangents, field.dim()}}; }
  Index tape_size(Index B, Index C) const {
    if (what == Beside::jv) return field.tape_size(B, C);
    return what == Beside::trace ? field.trace()->trace_tape_size(B) : field.tape_size(B, field.dim());
  }
  void forward(Times<T> t, Tile<T> z, Tile<T> v, Out<T> f, Out<T> y, T* tape, Scratch& scratch) const {
    if (what == Beside::jv) return field.forward(t, z, v, f, y, tape, scratch);
    if (what == Beside::trace) return field.trace()->trace_forward(t, z, f, y, tape, scratch);
    if constexpr (std::is_floating_point_v<T>) flow().forward(t, z, f, y, {}, tape, scratch);
  }
  void jvp(const T* tape, Tile<T> v, Tile<T> z_dot, Times<T> t_dot, Out<T> f_dot, Out<T> y_dot,
           Scratch& scratch) const {
    if (what == Beside::jv) return field.jvp(tape, v, z_dot, t_dot, f_dot, y_dot, scratch);
    if (what == Beside::trace) return field.trace()->trace_jvp(tape, z_dot, t_dot, f_dot, y_dot, scratch);
    if constexpr (std::is_floating_point_v<T>) flow().jvp(tape, z_dot, t_dot, f_dot, y_dot, scratch);
  }
  void vjp(const T* tape, Tile<T> v, Tile<T> w_f, Tile<T> w_y, Out<T> z_bar, std::span<T> t_bar,
           std::span<T> params_bar, Scratch& scratch) const {
    if (what == Beside::jv) return field.vjp(tape, v, w_f, w_y, z_bar, t_bar, params_bar, scratch);
    if (what == Beside::trace) return field.trace()->trace_vjp(tape, w_f, w_y, z_bar, t_bar, params_bar, scratch);
    if constexpr (std::is_floating_point_v<T>) flow().vjp(tape, w_f, w_y, z_bar, t_bar, params_bar, scratch);
  }
};

template <class T>
struct Piece {
  std::string_view name;
  std::vector<T> values;
};

/// Every result of a field at one point. All arrays lie flush with memory that faults, behind them or before them; what
/// is written first holds NaN, as does the scratch memory of every call.
template <class T>
std::vector<Piece<T>> evaluate(const Field<T>& field, const Inputs& in, Beside what, bool flush_with_end) {
  const Evaluation<T> evaluation{field, what};
  const Index D = in.c.shape.dim, B = in.c.B, C = in.c.C;
  const bool jv = what == Beside::jv;
  const Index rows = jv ? D : 1, cols = jv ? C * B : B;
  const auto array = [&](const std::vector<double>& x) {
    return Guarded<T>(std::span<const double>(x), flush_with_end);
  };
  const Guarded<T> t = array(in.t), t_dot = array(in.t_dot), z = array(in.z), z_dot = array(in.z_dot),
                   v = array(in.tangents), w_f = array(in.w_f), w_y = array(jv ? in.w_jv : in.w_div),
                   z_bar = array(in.z_bar), t_bar = array(in.t_bar);
  std::vector<double> start = in.params_bar;
  start.resize(static_cast<std::size_t>(field.gradient_size()));
  const Guarded<T> params_bar = array(start);

  const auto fresh = [&](Index n) { return Guarded<T>(n, flush_with_end); };
  const Guarded<T> f = fresh(D * B), y = fresh(rows * cols), f_dot = fresh(D * B), y_dot = fresh(rows * cols),
                   f_alone = fresh(D * B), y_alone = fresh(rows * cols), tape = fresh(evaluation.tape_size(B, C));
  const auto tile = [](const Guarded<T>& x, Index r, Index n) { return Tile<T>(x.data(), r, n); };
  const auto out = [](const Guarded<T>& x, Index r, Index n) { return Out<T>(x.data(), r, n); };
  const Tile<T> tangents = tile(v, D, C * B);

  Scratch scratch;
  const auto poisoned = [&]() -> Scratch& {
    const Scratch::Frame frame(scratch);
    constexpr std::ptrdiff_t kBytes = 1 << 20;
    std::memset(scratch.take<unsigned char>(kBytes), 0xff, kBytes);
    return scratch;
  };
  evaluation.forward(t.span(), tile(z, D, B), tangents, out(f_alone, D, B), out(y_alone, rows, cols), nullptr,
                     poisoned());
  evaluation.forward(t.span(), tile(z, D, B), tangents, out(f, D, B), out(y, rows, cols), tape.data(), poisoned());
  evaluation.jvp(tape.data(), tangents, tile(z_dot, D, B), t_dot.span(), out(f_dot, D, B), out(y_dot, rows, cols),
                 poisoned());
  evaluation.vjp(tape.data(), tangents, tile(w_f, D, B), tile(w_y, rows, cols), out(z_bar, D, B), t_bar.span(),
                 params_bar.span(), poisoned());
  field.fold_derived(params_bar.span());

  const auto values = [](const Guarded<T>& x) { return std::vector<T>(x.data(), x.data() + x.size()); };
  std::vector<T> gradient = values(params_bar);
  gradient.resize(in.params_bar.size());
  if constexpr (std::is_floating_point_v<T>) {  // a tape changes no bit
    REQUIRE(std::memcmp(f.data(), f_alone.data(), sizeof(T) * static_cast<std::size_t>(f.size())) == 0);
    REQUIRE(std::memcmp(y.data(), y_alone.data(), sizeof(T) * static_cast<std::size_t>(y.size())) == 0);
  }
  return {{"f", values(f)},         {"y", values(y)},         {"f_dot", values(f_dot)}, {"y_dot", values(y_dot)},
          {"z_bar", values(z_bar)}, {"t_bar", values(t_bar)}, {"params_bar", gradient}};
}

/// How far a result may be off, in standard deviations of the model of tests/rounded.hpp. The worst of 24 million
/// elements, from seven draws of the inputs, is off by 9.3: errors that elements share are not in the model.
constexpr double kDeviations = 12;

/// Largest error in units of its standard deviation.
template <class T, class V>
double worst_deviation(const std::vector<T>& y, const std::vector<Rounded<V>>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double error = std::abs(static_cast<double>(static_cast<V>(y[i]) - expected[i].value));
    if (error == 0) continue;
    const double deviation = std::sqrt(expected[i].variance) * std::numeric_limits<T>::epsilon() / 2;
    worst = std::max(worst, error <= 1e6 * deviation ? error / deviation : 1e30);  // false for a NaN
  }
  return worst;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return std::ranges::equal(std::as_bytes(std::span(a)), std::as_bytes(std::span(b)));
}

}  // namespace

TEMPLATE_TEST_CASE("the kernels give what the plain reference gives, to rounding", "[flows][reference]", float,
                   double) {
  using Exact = Rounded<std::conditional_t<std::is_same_v<TestType, float>, double, long double>>;
  std::uint64_t seed = 0;
  for (const Case& c : all_cases()) {
    const Inputs in(c, ++seed);
    const bool flush_with_end = seed % 2 == 0;
    const std::vector<Exact> exact_params(in.params.begin(), in.params.end());
    const MlpReference<Exact> reference(c.shape, exact_params);
    const std::vector<Piece<Exact>> jv = evaluate<Exact>(reference, in, Beside::jv, true),
                                    div = evaluate<Exact>(reference, in, Beside::trace, true);
    const Guarded<TestType> params(std::span<const double>(in.params), flush_with_end);
    CAPTURE(seed, c.text(), flush_with_end);
    on_every_target([&](std::int64_t) {
      const MlpField<TestType> field(c.shape, params.span());
      for (const Beside what : kAllBeside) {
        if (!c.has(what)) continue;
        const std::vector<Piece<TestType>> results = evaluate<TestType>(field, in, what, flush_with_end);
        for (std::size_t i = 0; i < results.size(); ++i) {
          CAPTURE(name(what), results[i].name);
          REQUIRE(worst_deviation(results[i].values, (what == Beside::jv ? jv : div)[i].values) <= kDeviations);
        }
      }
    });
  }
}

TEMPLATE_TEST_CASE("a sample's f and J v and divergence and z_bar have the same bits in every tile",
                   "[flows][reference]", float, double) {
  const std::vector<std::vector<Index>> hidden{{1}, {16}, {33}, {97, 48}, {7, 65}, {24, 31}, {17, 8, 49}};
  std::uint64_t seed = 100;
  std::vector<Case> cases;
  for (const Index B : kBatches)
    for (const bool per_sample : {false, true}) {
      ++seed;
      Case c{{}, B, kTangents[seed % kTangents.size()], per_sample};
      c.shape.hidden = hidden[seed % hidden.size()];
      c.shape.dim = kDims[(seed + B) % 6];
      c.shape.activation = kAllActivations[seed % std::size(kAllActivations)];
      c.shape.output_gate = seed % 3 == 0;
      cases.push_back(c);
    }
  // Whole blocks end in registers, a sample alone in strips.
  for (const Activation activation : kAllActivations)
    for (const Index C : {0, 1, 2})
      cases.push_back({{.hidden = {64, 48, 40}, .activation = activation, .output_gate = true}, 13, C, false});
  for (const Case& c : cases) {
    const Index B = c.B;
    const bool per_sample = c.per_sample;
    const Inputs in(c, ++seed);
    const Guarded<TestType> params(std::span<const double>(in.params));
    CAPTURE(c.text());
    on_every_target([&](std::int64_t) {
      const MlpField<TestType> field(c.shape, params.span());
      for (const Beside what : kAllBeside) {
        if (!c.has(what)) continue;
        CAPTURE(name(what));
        const std::vector<Piece<TestType>> whole = evaluate<TestType>(field, in, what, true);
        // One time for the tile: tiles of one sample. With a time for each, one sample would be the other case: two.
        for (Index first = 0, n; first < B; first += n) {
          n = !per_sample ? 1 : B - first == 3 ? 3 : std::min<Index>(2, B - first);
          const std::vector<Piece<TestType>> part = evaluate<TestType>(field, in.samples(first, n), what, true);
          CAPTURE(first, n);
          for (const std::size_t i : {0, 1, 4}) {
            CAPTURE(whole[i].name);
            REQUIRE(same_bits(part[i].values,
                              columns(whole[i].values, i == 1 && what != Beside::jv ? 1 : c.shape.dim, B, first, n)));
          }
        }
      }
    });
  }
}
