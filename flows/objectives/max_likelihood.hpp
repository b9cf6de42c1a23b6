// Maximum likelihood: the mean negative log-density of a batch and its gradient, by any adjoint.
#pragma once

#include <algorithm>
#include <variant>
#include <vector>

#include "flows/objectives/objective.hpp"
#include "flows/setting.hpp"

namespace cnf {

/// Minus the sum of log p_u over a tile that has been carried to the base. With `w_z` (D x B) and `w_q` (1 x B), which
/// are set, `scale` times its gradient by z and q there.
template <class T>
double negative_log_prob(const Base& base, Tile<T> z, Tile<T> q, T scale = T(0), T* w_z = nullptr, T* w_q = nullptr) {
  return std::visit(
      [&](const auto& density) {
        const Index D = z.rows(), B = z.cols();
        if (w_z) std::fill_n(w_z, D * B, T(0));
        if (w_q) std::fill_n(w_q, B, -scale);
        double sum = 0;
        for (Index b = 0; b < B; ++b)
          sum -=
              density.log_prob(z.data() + b * D, D, -scale, w_z ? w_z + b * D : nullptr) + static_cast<double>(q(0, b));
        return sum;
      },
      base);
}

/// Loss: the mean over the batch of -log p_u(u), nats. The step addresses Hutchinson's probes.
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

  std::vector<Setting> settings() {
    return {
        {.name = "gradient",
         .help =
             "The exact gradient of the steps taken, kept or (reversible) taken back; or the adjoint equation solved "
             "backwards, with the path or along its steps.",
         .value = choice_of(flow.gradient, kAllGradientModes)},
        {.name = "probe",
         .help = "What Hutchinson's random vectors are drawn from.",
         .value = choice_of(flow.divergence.probe, kAllProbes)}};
  }

  void check(const Cnf&) const {
    cnf::check(flow.solve);
    cnf::check(flow.adjoint);
  }

  template <class T>
  void run_tile(TileJob<T> job) const {
    TileFlow<T>& own = job.own;
    own.begin(job.flow, flow, Use::training, job.input);
    const Status solved = own.carry_recorded(job.share.forward);
    if (!solved.ok()) {  // the batch's gradient is lost, so the tile's other samples need no answer
      job.share.failures.push_back(solved);
      return;
    }
    const Scratch::Frame frame(own.scratch());
    const Out<T> z = own.z(), q = own.q();
    const Index D = z.rows(), B = z.cols();
    T* const w_q = own.scratch().template take<T>(B);
    const auto share = static_cast<T>(T(1) / static_cast<T>(job.batch));
    const double sum = negative_log_prob<T>(job.flow.model().base, Tile<T>(z.data(), D, B), Tile<T>(q.data(), 1, B),
                                            share, job.u_bar.data(), w_q);
    job.share.loss = sum / static_cast<double>(job.batch);
    const Status pulled = own.pull(job.u_bar, Tile<T>(w_q, 1, B), job.share);
    if (!pulled.ok()) job.share.failures.push_back(pulled);
  }
};

}  // namespace cnf
