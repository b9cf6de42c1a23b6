#include "bench/kernels.hpp"

#include <algorithm>
#include <memory>

#include "base/kernels/functions.hpp"
#include "base/kernels/matmul.hpp"
#include "base/kernels/reduce.hpp"
#include "base/random.hpp"
#include "flows/kernels/layer.hpp"
#include "flows/training/optimizer.hpp"

namespace cnf::bench {

namespace {

/// n numbers of either sign, most of them between -2 and 2.
Vector<float> numbers(Index n) {
  Vector<float> x(n);
  for (Index i = 0; i < n; ++i)
    x[i] = static_cast<float>(normal(Seed{6}, Purpose::data, 0, static_cast<std::uint64_t>(i), 0));
  return x;
}

std::string sizes(Index m, Index k, Index n) {
  return std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n);
}

/// Y = A X with A: m x k, X: k x n.
Workload multiply(Index m, Index k, Index n) {
  return {"multiply-" + sizes(m, k, n), [=](int) -> Call {
            return [=, A = numbers(m * k), X = numbers(k * n), Y = Vector<float>(m * n)]() mutable {
              cnf::kernels::multiply<float>({A.data(), m, k}, {X.data(), k, n}, {Y.data(), m, n});
              return Cost{2 * static_cast<double>(m * k * n), 0, 0};
            };
          }};
}

/// Y += U X^T with U: m x n, X: k x n.
Workload multiply_transposed_add(Index m, Index k, Index n) {
  return {"gradient-" + sizes(m, k, n), [=](int) -> Call {
            return [=, U = numbers(m * n), X = numbers(k * n), Y = numbers(m * k)]() mutable {
              cnf::kernels::multiply_transposed_add<float>({U.data(), m, n}, {X.data(), k, n}, {Y.data(), m, k});
              return Cost{2 * static_cast<double>(m * k * n), 0, 0};
            };
          }};
}

/// What the fused kernels of a layer read and write: `out` x `in` weights, B samples, C tangents of each.
struct LayerData {
  LayerData(Activation activation, Index out_, Index in_, Index B_, Index C_)
      : phi(activation),
        out(out_),
        in(in_),
        B(B_),
        C(C_),
        W(numbers(out * in)),
        Wt(W),
        g(numbers(out)),
        c(numbers(out)),
        x(Vector<float>::Constant(in * B * (1 + C), 0.5f)),
        s(Vector<float>::Constant(std::max(in, out) * B, 0.5f)),
        a(numbers(std::max(in, out) * B * C)),
        h(out * B * (1 + C)),
        d(out * B),
        U(numbers(out * B * (1 + C))),
        V(in * B * (1 + C)),
        Q(numbers(in * B)),
        sum(Vector<float>::Zero(in)),
        W_bar(numbers(out * in)),
        S(out * in),
        g_bar(numbers(out)) {}

  cnf::kernels::LayerMap<float> map() const { return {out, in, W.data(), g.data(), c.data(), 0, 0, nullptr, nullptr}; }
  cnf::kernels::Above<float> above() const { return {out, Wt.data(), g.data(), U.data()}; }
  cnf::kernels::Hidden<float> below() const { return {phi, in, B, C, x.data(), s.data(), a.data()}; }

  Activation phi;
  Index out, in, B, C;
  Vector<float> W, Wt, g, c, x, s, a, h, d, U, V, Q, sum, W_bar, S, g_bar;
};

/// The fused kernels of one layer, told by the flops of their products alone.
void add_layer(std::vector<Workload>& rows, Activation phi, Index out, Index in, Index B, Index C) {
  const Index columns = B * (1 + C);
  const auto fused = [&](const std::string& kernel, void (*work)(LayerData&), int products = 1) {
    rows.push_back({kernel + "-" + std::string(name(phi)) + "-" + sizes(out, in, columns), [=](int) -> Call {
                      return [=, layer = std::make_shared<LayerData>(phi, out, in, B, C)] {
                        work(*layer);
                        return Cost{2 * static_cast<double>(products * out * in * columns), 0, 0};
                      };
                    }});
  };
  fused("layer_forward", [](LayerData& l) {
    cnf::kernels::layer_forward<float>(l.map(), l.phi, {l.B, l.C}, l.x.data(),
                                       {l.h.data(), cnf::kernels::saves_slope(l.phi) ? l.s.data() : nullptr, l.d.data(),
                                        cnf::kernels::has_ratio(l.phi) ? nullptr : l.a.data()});
  });
  fused("pull_layer", [](LayerData& l) {
    cnf::kernels::pull_layer<float>(l.below(), l.above(), l.C > 0 ? nullptr : l.Q.data(), {l.V.data(), l.sum.data()});
  });
  const auto pull_both = [](LayerData& l) {  // pull_layer with S
    cnf::kernels::pull_layer<float>(l.below(), l.above(), l.C > 0 ? nullptr : l.Q.data(),
                                    {l.V.data(), l.sum.data(), l.S.data()});
  };
  fused("pull_both", pull_both, 2);
  fused("pull_weight", [](LayerData& l) {
    cnf::kernels::pull_weight<float>({l.out, l.in, l.W.data(), l.g.data()}, l.B * (1 + l.C), l.U.data(), l.x.data(),
                                     {l.W_bar.data(), l.g_bar.data(), l.S.data()});
  });
}

/// An element-wise kernel: work(n, x, y, y', y'') on 64 features of 64 samples.
Workload elements(const std::string& name, void (*work)(Index n, const float* x, float* y, float* dy, float* d2y)) {
  constexpr Index n = 64 * 64;
  return {name, [=](int) -> Call {
            return [=, x = numbers(n), y = Vector<float>(n), dy = Vector<float>(n), d2y = Vector<float>(n)]() mutable {
              work(n, x.data(), y.data(), dy.data(), d2y.data());
              return Cost{0, 0, static_cast<double>(n)};
            };
          }};
}

/// An activation on 64 features of 64 samples, as a layer of one input applies it: h alone; with phi' g; phi' and phi''
/// from the tape.
template <Activation kActivation>
void add_activation(std::vector<Workload>& rows) {
  const std::string activation(name(kActivation));
  const auto row = [&](const std::string& marks, void (*work)(LayerData&)) {
    rows.push_back({activation + marks, [work](int) -> Call {
                      return [work, layer = std::make_shared<LayerData>(kActivation, 64, 1, 64, 0)] {
                        work(*layer);
                        return Cost{0, 0, static_cast<double>(layer->h.size())};
                      };
                    }});
  };
  row("", [](LayerData& l) { cnf::kernels::layer_forward<float>(l.map(), l.phi, {l.B, 0}, l.x.data(), {l.h.data()}); });
  row("'", [](LayerData& l) {
    cnf::kernels::layer_forward<float>(l.map(), l.phi, {l.B, 0}, l.x.data(), {l.h.data(), l.s.data(), l.d.data()});
  });
  row("''", [](LayerData& l) {
    cnf::kernels::slopes<float>({l.phi, l.out, l.B, 0, l.h.data(), l.s.data(), nullptr}, l.d.data(), l.U.data());
  });
}

/// One update of the parameters of W1's network.
Workload adam() {
  return {"adam", [](int) -> Call {
            constexpr Index P = 9280;
            Layout layout;
            layout.add("params", P, 1, true);
            const auto weights = std::make_shared<Weights<float>>(numbers(P), Adam<float>().slots(layout));
            return [weights, layout, gradient = numbers(P)] {
              update<float>(*weights, layout, Adam<float>(), {gradient.data(), P}, 0.0);
              return Cost{0, 0, static_cast<double>(P)};
            };
          }};
}

/// Standard normal numbers, as `sample` draws them.
Workload normals() {
  return {"normal", [](int) -> Call {
            return [x = Batch(2, 2048)]() mutable {
              draw_normals<double>(Seed{7}, Purpose::base_sample, 0, 0, {x.data(), x.rows(), x.cols()});
              return Cost{0, 0, static_cast<double>(x.size())};
            };
          }};
}

}  // namespace

std::vector<Workload> kernels() {
  // Columns: 64 samples with two tangents, with none (or the closed form's one), and the wide network's with one probe.
  std::vector<Workload> rows{multiply(64, 64, 192),
                             multiply(64, 64, 64),
                             multiply(64, 2, 192),
                             multiply(2, 64, 192),
                             multiply(96, 96, 128),
                             multiply(860, 43, 128),
                             multiply(860, 860, 128),
                             multiply_transposed_add(64, 64, 192),
                             multiply_transposed_add(64, 2, 192),
                             multiply_transposed_add(2, 64, 192),
                             multiply_transposed_add(96, 96, 128),
                             multiply_transposed_add(860, 860, 128)};
  add_layer(rows, Activation::tanh, 64, 64, 64, 2);
  add_layer(rows, Activation::tanh, 64, 64, 64, 0);
  add_layer(rows, Activation::tanh, 64, 2, 64, 2);
  add_layer(rows, Activation::tanh, 2, 64, 64, 2);
  add_layer(rows, Activation::sin, 96, 96, 64, 0);
  add_layer(rows, Activation::sin, 96, 2, 64, 0);
  add_layer(rows, Activation::sin, 2, 96, 64, 0);
  add_layer(rows, Activation::softplus, 860, 860, 64, 1);
  add_activation<Activation::tanh>(rows);
  add_activation<Activation::softplus>(rows);
  add_activation<Activation::silu>(rows);
  add_activation<Activation::sin>(rows);
  add_activation<Activation::relu>(rows);
  rows.push_back(elements(
      "sigmoid", [](Index n, const float* x, float* y, float*, float*) { cnf::kernels::sigmoid<float>(n, x, y); }));
  rows.push_back(elements(
      "dot", [](Index n, const float* x, float* y, float*, float*) { *y = cnf::kernels::dot<float>(n, x, x); }));
  rows.push_back(adam());
  rows.push_back(normals());
  return rows;
}

}  // namespace cnf::bench
