#include <catch2/catch.hpp>

#include "flows/objectives/objective.hpp"
#include "flows/objectives/tiled.hpp"

namespace cnf {

/// loss = mean over the batch of |z(t_base)|^2 / 2: the likelihood of a normal base without the divergence.
struct Shrinking {
  static constexpr ObjectiveTraits kTraits{.name = "shrinking",
                                           .help = "The mean square at the base.",
                                           .loss_name = "square",
                                           .solves = true,
                                           .log_density = false,
                                           .validation_stretch = 1};
  static constexpr bool kUsesDivergence = false;

  FlowOptions flow{};

  void check(const Cnf&) const { cnf::check(flow.solve); }

  template <class T>
  void run_tile(TileJob<T> job) const {
    TileFlow<T>& own = job.own;
    own.begin(job.flow, flow, Use::points, job.input);
    const Status solved = own.carry_recorded(job.share.forward);
    if (!solved.ok()) return job.share.failures.push_back(solved);
    const auto share = 1 / static_cast<T>(job.batch);
    job.share.loss = static_cast<double>(share) * static_cast<double>(own.z().squaredNorm()) / 2;
    job.u_bar = share * own.z();  // dloss/dz at the base, pulled back to the data in place
    const Status pulled = own.pull(job.u_bar, Tile<T>(nullptr, 0, own.z().cols()), job.share);
    if (!pulled.ok()) job.share.failures.push_back(pulled);
  }
};

TEST_CASE("an objective is the loss and gradient of one tile", "[extending]") {
  const Cnf model = start_flow(MlpShape{.hidden = {8}}, Standardisation::identity(2), Seed{1});
  TiledObjective<double, Shrinking> objective(model, {{.solve = {.fixed_steps = 8}}}, /*threads=*/2, Seed{2});
  Matrix<double> u(2, 100);
  draw_normals<double>(Seed{3}, Purpose::data, 0, 0, Out<double>(u.data(), 2, 100));

  Vector<double> params = model.params;
  const Vector<double> gradient = objective(params, u, 0).dloss_dparams;
  for (const Index i : {Index{0}, params.size() - 1}) {
    const auto loss = [&](double step) {
      Vector<double> moved = params;
      moved[i] += step;
      return objective(moved, u, 0).loss;
    };
    CHECK(gradient[i] == Approx((loss(1e-5) - loss(-1e-5)) / 2e-5).margin(1e-9));
  }
}

}  // namespace cnf
