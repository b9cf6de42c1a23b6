// The layers' kernels against the ends of their arrays; their values are held by reference_test.cpp.
#include "flows/kernels/layer.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <vector>

#include "tests/guarded.hpp"
#include "tests/targets.hpp"

namespace {

using namespace cnf;

/// Arrays of one test, each between pages that fault.
template <class T>
struct Arrays {
  explicit Arrays(bool flush_with_end) : flush(flush_with_end) {}

  const T* input(Index n) {
    Guarded<T>& x = make(n);
    for (Index i = 0; i < n; ++i) x[i] = T(0.01) * static_cast<T>((7 * i + 3) % 90 - 45);
    return x.data();
  }
  /// Of zeros, for what a kernel adds to; else of NaN, all of which it must overwrite.
  T* output(Index n, bool adds = false) {
    Guarded<T>& y = make(n);
    if (adds) std::fill_n(y.data(), n, T(0));
    outputs.push_back(&y);
    return y.data();
  }
  bool all_written() const {
    for (const Guarded<T>* y : outputs)
      for (const T value : y->span())
        if (!std::isfinite(value)) return false;
    return true;
  }

 private:
  Guarded<T>& make(Index n) {
    all.push_back(std::make_unique<Guarded<T>>(n, flush));
    return *all.back();
  }
  bool flush;
  std::vector<std::unique_ptr<Guarded<T>>> all;
  std::vector<const Guarded<T>*> outputs;
};

struct Shape {
  Index out, in, B, C;
};

template <class T>
bool run_layer(const Shape& at, Activation phi, bool per_sample, Arrays<T>& of) {
  const auto [out, in, B, C] = at;
  const Index stride = per_sample ? out : 0, values = per_sample ? out * B : out, columns = (1 + C) * B;
  const kernels::LayerMap<T> layer{out,    in,     of.input(out * in), of.input(values), of.input(values),
                                   stride, stride, of.input(out),      of.input(B)};
  kernels::layer_forward<T>(layer, phi, {B, C}, of.input(in * columns),
                            {of.output(out * columns), kernels::saves_slope(phi) ? of.output(out * B) : nullptr,
                             of.output(out * B), kernels::has_ratio(phi) ? nullptr : of.output(out * C * B)});
  const kernels::Hidden<T> below{phi, in, B, C, of.input(in * columns), of.input(in * B), of.input(in * C * B)};
  kernels::pull_layer<T>(below, {out, of.input(in * out), of.input(out), of.input(out * columns)},
                         C > 0 ? nullptr : of.input(in * B),
                         {of.output(in * columns), of.output(in, true), B % 2 == 1 ? of.output(in * out) : nullptr});
  kernels::pull_weight<T>({out, in, of.input(out * in), of.input(out)}, columns, of.input(out * columns),
                          of.input(in * columns),
                          {of.output(out * in, true), of.output(out, true), of.output(out * in, true)});
  if (C == 0) {
    const kernels::Hidden<T> own{phi, out, B, 0, of.input(out * B), of.input(out * B), nullptr};
    kernels::pull_slope<T>(own, {of.input(in * B), of.input(out * in), in},
                           {of.input(values), of.output(values, true), stride}, of.output(out * B), of.output(out * B));
    kernels::slopes(own, of.output(out * B), of.output(out * B));
  }
  return of.all_written();
}

}  // namespace

TEMPLATE_TEST_CASE("the layers' kernels write all of their results and touch nothing beside their arrays",
                   "[flows][kernels]", float, double) {
  const std::vector<Index> widths{1, 2, 7, 8, 15, 16, 17, 33, 64, 70};
  std::size_t pair = 0;
  for (const Index out : widths)
    for (const Index in : widths) {
      ++pair;
      for (const Index C : {0, 1, 2, 3}) {
        const std::size_t turn = 3 * pair + static_cast<std::size_t>(C);
        const Shape at{out, in, std::vector<Index>{1, 2, 7, 13}[turn % 4], C};
        const Activation phi = kAllActivations[turn % std::size(kAllActivations)];
        const bool per_sample = turn % 3 == 0, flush_with_end = turn % 2 == 0;
        CAPTURE(out, in, at.B, C, name(phi), per_sample, flush_with_end);
        on_every_target([&](std::int64_t) {
          Arrays<TestType> arrays(flush_with_end);
          REQUIRE(run_layer(at, phi, per_sample, arrays));
        });
      }
    }
}
