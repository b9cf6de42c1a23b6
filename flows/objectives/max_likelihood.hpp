// Maximum likelihood: the mean negative log-density of a batch and its gradient, by any adjoint; with terms of the
// same solve that keep the flow cheap to solve.
#pragma once

#include <algorithm>
#include <variant>
#include <vector>

#include "flows/objectives/objective.hpp"
#include "flows/setting.hpp"

namespace cnf {

/// Minus the sum of log p_u over a tile that has been carried to the base. `q`'s first row is
/// the divergence's. With `w_z` and `w_q` (as z and q), of which all and the first row are set, `scale` times the slope
/// by z and q there.
template <class T>
double negative_log_prob(const Base& base, Tile<T> z, Tile<T> q, T scale = T(0), T* w_z = nullptr, T* w_q = nullptr) {
  return std::visit(
      [&](const auto& density) {
        const Index D = z.rows(), B = z.cols();
        if (w_z) std::fill_n(w_z, D * B, T(0));
        for (Index b = 0; b < B && w_q; ++b) w_q[b * q.rows()] = -scale;
        double sum = 0;
        for (Index b = 0; b < B; ++b)
          sum -=
              density.log_prob(z.data() + b * D, D, -scale, w_z ? w_z + b * D : nullptr) + static_cast<double>(q(0, b));
        return sum;
      },
      base);
}

/// Loss: the mean over the batch of -log p_u(u) + sum_r weights[r] Q_r, Q_r being the quadrature flow.beside[r] along
/// the sample's path (flows/quadratures.hpp): nats. The step addresses Hutchinson's probes.
///
/// The weights of the terms that rise are multiplied by `raised`: the trainer raises it while solves take more and more
/// evaluations (flows/training/train.hpp).
///
/// With `steer` b > 0 a step's solves end not at the base's time t but at t + b u, u uniform on (-1, 1), drawn once a
/// step: a flow that is right wherever in this interval it ends has come to rest there and is easy to solve.
/// Source  Ghosh, Behl, Dupont, Torr, Namboodiri (2020), STEER: simple temporal regularization for neural ODEs, sec. 3.
struct MaximumLikelihood {
  /// Later steps cost up to twice as much, since a flow grows stiffer as it learns (on rings twice, on most sets a
  /// tenth to a half).
  static constexpr ObjectiveTraits kTraits{
      .name = "likelihood",
      .help = "Maximum likelihood, where every update solves the flow.",
      .loss_name = "nll",
      .solves = true,
      .log_density = true,
      .validation_stretch = 1,
  };
  static constexpr bool kUsesDivergence = true;

  FlowOptions flow{};
  std::vector<double> weights{};  ///< of flow.beside
  std::vector<char> rising{};     ///< whether each of these rises; empty: none does
  double raised = 1;
  double steer = 0;

  std::vector<Setting> settings();
  void check(const Cnf& model) const;
  bool rises() const {
    return std::any_of(rising.begin(), rising.end(), [](char one) { return one; });
  }
  double weight(std::size_t r) const { return r < rising.size() && rising[r] ? weights[r] * raised : weights[r]; }
  /// What stands beside the loss itself in a TileJob's parts: the terms, and `raised` if some rise.
  std::size_t more_parts() const { return weights.size() + (rises() ? 1 : 0); }

  template <class T>
  void run_tile(TileJob<T> job) const {
    TileFlow<T>& own = job.own;
    own.begin(job.flow, flow, Use::training, job.input);
    if (steer > 0)
      own.set_base_time(job.flow.model().blocks[0].t_base +
                        steer * (2 * uniform(job.input.at.seed, Purpose::end_time, job.input.at.step, 0, 0) - 1));
    const Status solved = own.carry_recorded(job.share.forward);
    if (!solved.ok()) {  // the batch's gradient is lost, so the tile's other samples need no answer
      job.share.failures.push_back(solved);
      return;
    }
    const Scratch::Frame frame(own.scratch());
    const Out<T> z = own.z(), q = own.q();
    const Index D = z.rows(), B = z.cols(), rows = q.rows();
    T* const w_q = own.scratch().template take<T>(rows * B);
    const auto share = static_cast<T>(T(1) / static_cast<T>(job.batch));
    const Tile<T> at_base(z.data(), D, B), along(q.data(), rows, B);
    const double sum = negative_log_prob<T>(job.flow.model().base, at_base, along, share, job.u_bar.data(), w_q);
    job.share.loss = sum / static_cast<double>(job.batch);
    if (!job.parts.empty()) job.parts[0] = job.share.loss;
    for (std::size_t r = 0; r < weights.size(); ++r) {
      const auto row = static_cast<Index>(r) + 1;
      double term = 0;
      for (Index b = 0; b < B; ++b) {
        term += static_cast<double>(q(row, b));
        w_q[b * rows + row] = static_cast<T>(weight(r)) * share;
      }
      term /= static_cast<double>(job.batch);
      job.share.loss += weight(r) * term;
      if (!job.parts.empty()) job.parts[r + 1] = term;
    }
    if (rises() && !job.parts.empty())
      job.parts[weights.size() + 1] = raised * static_cast<double>(B) / static_cast<double>(job.batch);
    const Status pulled = own.pull(job.u_bar, Tile<T>(w_q, rows, B), job.share);
    if (!pulled.ok()) job.share.failures.push_back(pulled);
  }
};

}  // namespace cnf
