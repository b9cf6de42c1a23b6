// Flow matching: the field's mean squared distance from the velocity of straight paths. No solve is made.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string_view>

#include "flows/objectives/coupling.hpp"
#include "flows/objectives/objective.hpp"
#include "flows/setting.hpp"

namespace cnf {

/// x_s = alpha(s) x0 + beta(s) x1 on a sample's way, s from 0 at the base to 1 at the data.
enum class Path {
  straight,    ///< alpha = 1 - s, beta = s
  target,      ///< alpha = 1 - (1 - sigma) s, beta = s: it ends in N(x1, sigma^2 I)
  preserving,  ///< alpha = cos(pi s / 2), beta = sin(pi s / 2): the variance stays
};
inline constexpr std::array kAllPaths{Path::straight, Path::target, Path::preserving};
std::string_view name(Path path);  ///< as spelled on the command line

/// Flow matching. For each sample x1 of the batch draw s uniform on (0, 1), and by the coupling x0 ~ N(0, I);
///
///   t = t_base + s span     x_t = alpha x0 + beta x1 + sigma e     v = (alpha' x0 + beta' x1) / span, t_data - t_base
///   loss = mean over samples and dimensions of |f(t, x_t) - v|^2
///
/// e ~ N(0, I) is drawn where sigma > 0; the path `target` has sigma in its alpha instead. The minimum over all fields
/// is the mean of v given x_t, the velocity that carries N(0, I) at t_base to the data at t_data; the loss there is the
/// variance of v given x_t, so it does not go to 0.
///
/// Draws   Purpose::path at (seed, step, sample): components 0 .. D - 1 are x0, D rounded up to even is s;
///         Purpose::path_noise: e.
/// Cost    one evaluation of the field and its transpose: forward.evaluations is one a tile. There are no failures; a
///         sample that is not finite makes the loss NaN.
/// Refuses a model of several blocks, which have no one velocity, and a base other than N(0, I).
/// Source  straight: Lipman et al. (2023), Flow matching for generative modeling, eq. 23 with sigma_min = 0; Liu et
///         al. (2023), rectified flow; Tong et al. (2024), I-CFM. target: Lipman et al., eq. 20 to 23. preserving:
///         Albergo, Vanden-Eijnden (2023), ICLR, eq. 5. Optimal coupling: Tong et al., OT-CFM; Pooladian et al. (2023).
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

  Path path = Path::straight;
  double sigma = 0;
  Coupling coupling{};

  std::vector<Setting> settings();
  void check(const Cnf& model) const;

  /// Before a batch's tiles: which of its draws belongs to which sample.
  template <class T>
  void before_tiles(const Samples<T>& u, Seed seed, std::uint32_t step, int threads) {
    coupling.pair<T>(u.x, seed, step, threads);
  }
  template <class T>
  void run_tile(TileJob<T> job) const;

 private:
  /// (alpha, beta) at s and their derivatives.
  struct Mix {
    double alpha, beta, dalpha, dbeta;
  };
  Mix mix(double s) const {
    constexpr double kQuarter = std::numbers::pi / 2;
    if (path == Path::preserving)
      return {std::cos(kQuarter * s), std::sin(kQuarter * s), -kQuarter * std::sin(kQuarter * s),
              kQuarter * std::cos(kQuarter * s)};
    const double end = path == Path::target ? sigma : 0;
    return {1 - (1 - end) * s, s, end - 1, 1};
  }
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
  const TileAddress& at = job.input.at;
  draw_normals<T>(at.seed, Purpose::path, at.step, at.first, Out<T>(x, D, B), std::span<T>(s, each));
  coupling.exchange(at, Out<T>(x, D, B));
  for (Index b = 0; b < B; ++b) {
    t[b] = start + s[b] * span;
    t_bar[b] = 0;
    if (path == Path::straight) {
      for (Index i = b * D; i < (b + 1) * D; ++i) {
        const T d = x1[i] - x[i];
        v[i] = d / span;
        x[i] += s[b] * d;
      }
    } else {
      const Mix m = mix(static_cast<double>(s[b]));
      const auto alpha = static_cast<T>(m.alpha), beta = static_cast<T>(m.beta), dalpha = static_cast<T>(m.dalpha),
                 dbeta = static_cast<T>(m.dbeta);
      for (Index i = b * D; i < (b + 1) * D; ++i) {
        v[i] = (dalpha * x[i] + dbeta * x1[i]) / span;
        x[i] = alpha * x[i] + beta * x1[i];
      }
    }
  }
  if (sigma > 0 && path != Path::target) {
    draw_normals<T>(at.seed, Purpose::path_noise, at.step, at.first, Out<T>(f, D, B));
    for (Index i = 0; i < n; ++i) x[i] += static_cast<T>(sigma) * f[i];
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

  // x1 enters x_t by beta and v by beta' / span; t_data enters t by s and v by -v / span; t_base by 1 - s and v / span.
  double &dt_base = job.share.dloss_dtimes[0], &dt_data = job.share.dloss_dtimes[1];
  dt_data = along / (t_data - t_base);
  dt_base = -dt_data;
  for (Index b = 0; b < B; ++b) {
    const auto share_of_data = static_cast<double>(s[b]), bar = static_cast<double>(t_bar[b]);
    dt_data += share_of_data * bar;
    dt_base += (1 - share_of_data) * bar;
    const Mix m = mix(share_of_data);
    const auto beta = static_cast<T>(m.beta), dbeta = static_cast<T>(m.dbeta);
    for (Index i = b * D; i < (b + 1) * D; ++i) x_bar[i] = beta * x_bar[i] - dbeta * f[i] / span;
  }
}

}  // namespace cnf
