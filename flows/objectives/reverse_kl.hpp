// Reverse KL: how far the flow's own draws are from a density known up to a factor.
#pragma once

#include "flows/objectives/objective.hpp"
#include "flows/objectives/target.hpp"

namespace cnf {

/// Loss: the mean of log q(x) - log p~(x) over draws x of the flow q, each carried from z ~ N(0, I) to the data with
/// its log-density in one solve: KL(q | p) - log Z, nats. The gradient goes through the solve, by any adjoint, and
/// through log p~ by the target's own slope.
///
/// The batch's points are not read: their number is that of the draws. What q never draws costs nothing.
/// Draws   Purpose::pushed at (seed, step, sample): components 0 .. D - 1 are z.
/// Fails   where log p~ or its slope is not finite at a draw.
/// Source  Rezende, Mohamed (2015), ICML, eq. 15; Chen, Rubanova, Bettencourt, Duvenaud (2018), NeurIPS, sec. 4.
struct ReverseKl {
  static constexpr ObjectiveTraits kTraits{
      .name = "reverse-kl",
      .help = "Reverse KL to an energy: the flow's draws go where it is low, and may leave modes out.",
      .loss_name = "reverse_kl",
      .solves = true,
      .log_density = false,
      .validation_stretch = 1,
      .towards_target = true,
  };
  static constexpr bool kUsesDivergence = true;

  Target target{};
  FlowOptions flow{};

  std::vector<Setting> settings();
  void check(const Cnf& model) const { check_target(kTraits.name, target, flow, model); }

  template <class T>
  void run_tile(TileJob<T> job) const {
    TileFlow<T>& own = job.own;
    const TileAddress& at = job.input.at;
    own.begin(job.flow, flow, Use::training, job.input);
    const Scratch::Frame frame(own.scratch());
    Out<T> z = own.z(), q = own.q();
    const Index D = z.rows(), B = z.cols(), rows = q.rows();
    draw_normals<T>(at.seed, Purpose::pushed, at.step, at.first, z);
    double sum = 0;
    for (Index b = 0; b < B; ++b) sum += NormalBase{}.log_prob(z.data() + b * D, D);
    const Status solved = own.carry_recorded(job.share.forward, Way::to_data);
    if (!solved.ok()) return job.share.failures.push_back(solved);

    const auto share = static_cast<T>(T(1) / static_cast<T>(job.batch));
    Out<T> w(own.scratch().template take<T>(D * B), D, B), w_q(own.scratch().template take<T>(rows * B), rows, B);
    w_q.setZero();
    w_q.row(0).setConstant(-share);
    TargetInUnits p(target, job.flow.model().standardisation, at.step);
    for (Index b = 0; b < B; ++b) {
      sum -= p.log_density(z.data() + b * D, w.data() + b * D) + static_cast<double>(q(0, b));
      if (!std::isfinite(sum) || !w.col(b).allFinite())
        return job.share.failures.push_back(no_density(b, job.flow.model().end()));
    }
    w *= -share;
    job.share.loss = sum / static_cast<double>(job.batch);
    job.u_bar.setZero();
    const Status pulled = own.pull(w, Tile<T>(w_q.data(), rows, B), job.share);
    if (!pulled.ok()) job.share.failures.push_back(pulled);
  }
};

}  // namespace cnf
