// Flow matching: the field's mean squared distance from the velocity of straight paths. No solve is made.
#pragma once

#include <algorithm>
#include <stdexcept>

#include "flows/objectives/objective.hpp"

namespace cnf {

/// Flow matching with independent coupling. For each sample x1 of the batch draw x0 ~ N(0, I) and s uniform on (0, 1);
///
///   t = t_base + s (t_data - t_base)     x_t = (1 - s) x0 + s x1     v = dx_t/dt = (x1 - x0) / (t_data - t_base)
///   loss = mean over samples and dimensions of |f(t, x_t) - v|^2
///
/// Its minimum over all fields is the mean of v given x_t, the velocity that carries N(0, I) at t_base to the data at
/// t_data; the loss there is the variance of v given x_t, so it does not go to 0.
///
/// Draws   Purpose::path at (seed, step, sample): components 0 .. D - 1 are x0, D rounded up to even is s.
/// Cost    one evaluation of the field and its transpose: forward.evaluations is one a tile. There are no failures; a
///         sample that is not finite makes the loss NaN.
/// Refuses a model of several blocks, which have no one velocity, and a base other than N(0, I).
/// Source  Lipman et al. (2023), Flow matching for generative modeling, ICLR, eq. 23 with sigma_min = 0; Liu et al.
///         (2023), rectified flow; Tong et al. (2024), TMLR: I-CFM with sigma = 0, whose mean over all elements this
///         is.
struct FlowMatching {
  static constexpr ObjectiveTraits kTraits{
      .name = "flow-matching",
      .help = "Flow matching makes cheaper updates, without a solve.",
      .loss_name = "matching",
      .solves = false,
      .log_density = false,
      .validation_stretch = 16,
  };
  static constexpr bool kUsesDivergence = false;

  void check(const Cnf& model) const {
    if (model.blocks.size() != 1)
      throw std::invalid_argument("flow-matching: the model has several blocks, expected one field from base to data");
    if (!std::holds_alternative<NormalBase>(model.base))
      throw std::invalid_argument("flow-matching: its paths begin at N(0, I), the model's base is another");
  }

  template <class T>
  void run_tile(TileJob<T> job) const;
};

template <class T>
void FlowMatching::run_tile(TileJob<T> job) const {
  Scratch& scratch = job.own.scratch();
  const Scratch::Frame frame(scratch);
  const Field<T>& field = job.flow.field(0);
  const double t_base = job.flow.model().blocks[0].t_base, t_data = job.flow.model().blocks[0].t_data;
  const Index D = job.u_bar.rows(), B = job.u_bar.cols(), n = D * B;
  const auto span = static_cast<T>(t_data - t_base), start = static_cast<T>(t_base);
  T *x = scratch.take<T>(n), *v = scratch.take<T>(n), *f = scratch.take<T>(n), *s = scratch.take<T>(B),
    *t = scratch.take<T>(B), *t_bar = scratch.take<T>(B), *tape = scratch.take<T>(field.tape_size(B, 0));
  const T* x1 = job.input.samples.x.data();
  const auto each = static_cast<std::size_t>(B);
  draw_normals<T>(job.input.at.seed, Purpose::path, job.input.at.step, job.input.at.first, Out<T>(x, D, B),
                  std::span<T>(s, each));
  for (Index b = 0; b < B; ++b) {
    t[b] = start + s[b] * span;
    t_bar[b] = 0;
    for (Index i = b * D; i < (b + 1) * D; ++i) {
      const T d = x1[i] - x[i];
      v[i] = d / span;
      x[i] += s[b] * d;
    }
  }
  const Tile<T> none(nullptr, D, 0);
  field.forward(Times<T>(t, each), Tile<T>(x, D, B), none, Out<T>(f, D, B), Out<T>(nullptr, D, 0), tape, scratch);

  // loss = sum |f - v|^2 / (D B_total), so f_bar = 2 (f - v) / (D B_total) = -v_bar, which takes f's place.
  const double share = 1 / (static_cast<double>(D) * static_cast<double>(job.batch));
  const auto twice = static_cast<T>(2 * share);
  double square = 0, along = 0;  // of f - v;  f_bar . v
  for (Index i = 0; i < n; ++i) {
    const T r = f[i] - v[i];
    f[i] = twice * r;
    square += static_cast<double>(r) * static_cast<double>(r);
    along += static_cast<double>(f[i]) * static_cast<double>(v[i]);
  }
  job.share.loss = share * square;
  job.share.forward.evaluations = 1;
  T* x_bar = job.u_bar.data();
  std::fill_n(x_bar, n, T(0));
  field.vjp(tape, none, Tile<T>(f, D, B), none, job.u_bar, std::span<T>(t_bar, each),
            job.flow.bar(0, job.share.params_bar), scratch);

  // x1 enters x_t by s and v by 1 / span; t_data enters t by s and v by -v / span; t_base by 1 - s and v / span.
  double &dt_base = job.share.dloss_dtimes[0], &dt_data = job.share.dloss_dtimes[1];
  dt_data = along / (t_data - t_base);
  dt_base = -dt_data;
  for (Index b = 0; b < B; ++b) {
    const auto share_of_data = static_cast<double>(s[b]), bar = static_cast<double>(t_bar[b]);
    dt_data += share_of_data * bar;
    dt_base += (1 - share_of_data) * bar;
    for (Index i = b * D; i < (b + 1) * D; ++i) x_bar[i] = s[b] * x_bar[i] - f[i] / span;
  }
}

}  // namespace cnf
