#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>

#include "flows/divergence.hpp"
#include "flows/layout.hpp"
#include "flows/setting.hpp"
#include "solvers/integrate.hpp"
#include "tests/laws.hpp"

namespace cnf {

/// f(t, z) = A z. J = A is constant, so that its tangents A v have no derivative by z, but one by A.
template <class T>
class LinearField final : public Field<T> {
 public:
  LinearField(Index D, std::span<const T> params) : A_(params.data(), D, D), size_(std::ssize(params)) {}

  Index dim() const override { return A_.rows(); }
  Index parameters() const override { return size_; }  // layout().size: tensors are padded to whole cache lines
  Index gradient_size() const override { return size_; }
  void fold_derived(std::span<T>) const override {}  // nothing is derived from A

  Index tape_size(Index B, Index) const override { return dim() * B; }  // z
  void forward(Times<T>, Tile<T> z, Tile<T> tangents, Out<T> f, Out<T> jv, T* tape, Scratch&) const override {
    f.noalias() = A_ * z;
    jv.noalias() = A_ * tangents;
    if (tape) std::copy_n(z.data(), z.size(), tape);
  }
  void jvp(const T*, Tile<T>, Tile<T> z_dot, Times<T>, Out<T> f_dot, Out<T> jv_dot, Scratch&) const override {
    f_dot.noalias() = A_ * z_dot;
    jv_dot.setZero();
  }
  void vjp(const T* tape, Tile<T> tangents, Tile<T> w_f, Tile<T> w_jv, Out<T> z_bar, std::span<T>,
           std::span<T> params_bar, Scratch&) const override {
    z_bar.noalias() += A_.transpose() * w_f;
    Out<T> A_bar(params_bar.data(), dim(), dim());
    A_bar.noalias() += w_f * Tile<T>(tape, dim(), w_f.cols()).transpose();
    A_bar.noalias() += w_jv * tangents.transpose();
  }

 private:
  Tile<T> A_;
  Index size_;
};

/// The field without its parameters: what files, the command line and models know of it.
struct LinearShape {
  static constexpr std::string_view kKind = "linear", kHelp = "one matrix, constant in time";
  Index dim = 2;

  bool operator==(const LinearShape&) const = default;
  std::vector<Setting> settings() {
    return {{.name = "dim", .help = "Columns of the data.", .value = Setting::Whole{&dim}, .from_data = true}};
  }
  Layout layout() const {
    Layout all;
    all.add("weight", dim, dim, false);
    return all;
  }
  Vector<double> initial_parameters(Seed) const { return Vector<double>::Zero(layout().size); }
  template <class T>
  std::unique_ptr<Field<T>> make(std::span<const T> params) const {
    if (static_cast<Index>(params.size()) != layout().size) throw std::invalid_argument("linear: other parameters");
    return std::make_unique<LinearField<T>>(dim, params);
  }
};

TEST_CASE("a field is a right-hand side with its divergence", "[extending]") {
  const LinearShape shape{.dim = 2};
  Vector<double> params = shape.initial_parameters(Seed{1});
  params.head(4) << -0.5, 1, -1, -0.25;
  const auto field = shape.make<double>({params.data(), static_cast<std::size_t>(params.size())});
  const FlowDynamics<double> flow(*field, {.kind = DivergenceMethod::Kind::tangents, .columns = 2});
  CHECK(field->parameters() == shape.layout().size);
  CHECK(transpose_law_error(flow, 5, /*per_sample=*/true, Seed{2}) < 1e-14);
  CHECK(jvp_error(flow, 5, /*per_sample=*/true, Seed{2}) < 1e-9);

  Scratch scratch;
  Counters counters;
  State<double> state(flow.blocks(), 1);
  REQUIRE(integrate(flow, 0, 2, state, {}, scratch, counters).ok());
  CHECK(state.q()(0, 0) == Approx(2 * -0.75));  // the integral of tr A
}

}  // namespace cnf
