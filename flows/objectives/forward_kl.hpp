// Forward KL from a density known up to a factor: its expectations by draws that are weighted by importance.
#pragma once

#include <cmath>

#include "flows/objectives/objective.hpp"
#include "flows/objectives/target.hpp"

namespace cnf {

/// Loss: an estimate of KL(p | q), nats, by the draws x_i of a tile,
///
///   sum_i w_i (log p~(x_i) - log q(x_i)) - log mean(p~ / m),   w_i = (p~ / m)(x_i) / sum_j (p~ / m)(x_j)
///
/// of which the share `defensive` is drawn from N(0, I) in unit coordinates, the rest from the flow q, and m is this
/// mixture of both. The gradient is that of -sum_i w_i log q(x_i), draws and weights held: a mode that q does not draw
/// is found by the other draws, and pulls q there.
///
/// The batch's points are not read: their number is that of the draws. The flow's own are those of ReverseKl.
/// Draws   Purpose::pushed at (seed, step, sample): components 0 .. D - 1.
/// Fails   where log p~ is NaN or +infinity at a draw. A tile where it is -infinity at each draw says nothing: 0.
/// Cost    a solve to the data, one to the base, and the gradient of the latter.
/// Source  Mueller, McWilliams, Rousselle, Gross, Novak (2019), Neural importance sampling, ACM TOG 38(5), sec. 5.1;
///         defensive mixture: Hesterberg (1995), Technometrics 37(2), 185-194.
struct ForwardKl {
  static constexpr ObjectiveTraits kTraits{
      .name = "forward-kl",
      .help = "Forward KL from an energy, by weighted draws of the flow and of a broad normal, which find its modes.",
      .loss_name = "forward_kl",
      .solves = true,
      .log_density = false,
      .validation_stretch = 1,
      .towards_target = true,
  };
  static constexpr bool kUsesDivergence = true;

  Target target{};
  FlowOptions flow{};
  double defensive = 0.25;

  std::vector<Setting> settings();
  void check(const Cnf& model) const;

  template <class T>
  void run_tile(TileJob<T> job) const {
    TileFlow<T>& own = job.own;
    const Scratch::Frame frame(own.scratch());
    const Index D = job.u_bar.rows(), B = job.u_bar.cols();
    const auto broad = static_cast<Index>(std::lround(defensive * static_cast<double>(B)));
    Out<T> x(own.scratch().template take<T>(D * B), D, B);
    Status status = draw(job, broad, x);
    if (!status.ok()) return job.share.failures.push_back(status);
    own.begin(job.flow, flow, Use::training, TileInput<T>{Tile<T>(x.data(), D, B), job.input.at});
    status = own.carry_recorded(job.share.forward);
    if (!status.ok()) return job.share.failures.push_back(status);

    Out<T> z = own.z(), q = own.q();
    const Index rows = q.rows();
    Weighted draws(own.scratch(), B);
    TargetInUnits p(target, job.flow.model().standardisation, job.input.at.step);
    for (Index b = 0; b < B; ++b) {
      const T* const u = x.data() + b * D;
      draws.log_q[b] = NormalBase{}.log_prob(z.data() + b * D, D) + static_cast<double>(q(0, b));
      draws.log_p[b] = p.log_density(u, static_cast<T*>(nullptr));
      draws.log_broad[b] = NormalBase{}.log_prob(u, D);
      if (!(draws.log_p[b] < std::numeric_limits<double>::infinity()))
        return job.share.failures.push_back(no_density(b, job.flow.model().end()));
    }
    const double share = static_cast<double>(B) / static_cast<double>(job.batch);
    job.share.loss = share * draws.weigh(static_cast<double>(broad) / static_cast<double>(B));

    Out<T> w(own.scratch().template take<T>(D * B), D, B), w_q(own.scratch().template take<T>(rows * B), rows, B);
    w.setZero();
    w_q.setZero();
    for (Index b = 0; b < B; ++b) {
      const auto by = static_cast<T>(-share * draws.weight[b]);
      w_q(0, b) = by;
      NormalBase{}.log_prob(z.data() + b * D, D, by, w.data() + b * D);
    }
    job.u_bar.setZero();
    status = own.pull(w, Tile<T>(w_q.data(), rows, B), job.share);
    if (!status.ok()) job.share.failures.push_back(status);
  }

 private:
  /// What is known of B draws, nats, and their weights, whose sum is 1.
  struct Weighted {
    Weighted(Scratch& scratch, Index n);
    /// From the mixture with so much of the broad normal. Returns the estimate of KL(p | q).
    double weigh(double defensive);

    Index size;
    double *log_q, *log_p, *log_broad, *weight;
  };

  /// The last `broad` of x from N(0, I), the others from the flow.
  template <class T>
  Status draw(TileJob<T>& job, Index broad, Out<T> x) const {
    TileFlow<T>& own = job.own;
    const TileAddress& at = job.input.at;
    own.begin(job.flow, flow, Use::points, job.input);
    draw_normals<T>(at.seed, Purpose::pushed, at.step, at.first, own.z());
    x = own.z();
    const Status status = own.carry(Way::to_data, job.share.forward);
    x.leftCols(x.cols() - broad) = own.z().leftCols(x.cols() - broad);
    return status;
  }
};

}  // namespace cnf
