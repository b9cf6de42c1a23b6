#include "flows/objectives/coupling.hpp"

#include <stdexcept>
#include <string>

#include "base/random.hpp"
#include "base/tiles.hpp"

namespace cnf {

std::string_view name(Coupling::Kind kind) {
  switch (kind) {
    case Coupling::Kind::independent:
      return "independent";
    case Coupling::Kind::optimal:
      return "optimal";
    case Coupling::Kind::kept:
      break;
  }
  return "kept";
}

void Coupling::check(Index dim) const {
  if (kind != Kind::kept) return;
  if (base_points == nullptr || base_points->rows() != dim || base_points->cols() == 0)
    throw std::invalid_argument("flow-matching: the kept coupling needs a base point of " + std::to_string(dim) +
                                " dimensions for every row");
}

template <class T>
void Coupling::pair(Tile<T> x1, Seed seed, std::uint32_t step, int threads) {
  if (kind != Kind::optimal) return;
  const std::vector<TileRange> groups = balanced_tiles(x1.cols(), kGroup);
  draw_of_.resize(static_cast<std::size_t>(x1.cols()));
  workers_.resize(std::max(workers_.size(), static_cast<std::size_t>(threads)));
  for_each_tile(static_cast<int>(groups.size()), threads, [&](int group, int worker) {
    const auto [first, n] = groups[static_cast<std::size_t>(group)];
    auto& [assignment, cost] = workers_[static_cast<std::size_t>(worker)];
    const Index D = x1.rows();
    Matrix<T> x0(D, n);
    draw_normals<T>(seed, Purpose::path, step, static_cast<std::uint64_t>(first), Out<T>(x0.data(), D, n));
    cost.setZero(n, n);  // of sample i and draw j in (j, i)
    for (Index i = 0; i < n; ++i)
      for (Index d = 0; d < D; ++d) {
        const auto here = static_cast<double>(x1(d, first + i));
        for (Index j = 0; j < n; ++j) {
          const double away = static_cast<double>(x0(d, j)) - here;
          cost(j, i) += away * away;
        }
      }
    const bool sound = cost.allFinite();
    if (sound) assignment.solve(cost);
    for (Index i = 0; i < n; ++i)
      draw_of_[static_cast<std::size_t>(first + i)] =
          first + (sound ? assignment.column_of()[static_cast<std::size_t>(i)] : i);
  });
}

template <class T>
void Coupling::exchange(const TileAddress& at, Out<T> x0) const {
  if (kind == Kind::kept) {
    const auto n = static_cast<std::uint32_t>(base_points->cols());
    for (Index b = 0; b < x0.cols(); ++b)
      x0.col(b) =
          base_points
              ->col(uniform_index(rows_seed, Purpose::batch, at.step, at.first + static_cast<std::uint64_t>(b), 0, n))
              .template cast<T>();
    return;
  }
  if (kind == Kind::independent) return;
  for (Index b = 0; b < x0.cols(); ++b)
    draw_normals<T>(
        at.seed, Purpose::path, at.step,
        static_cast<std::uint64_t>(draw_of_[static_cast<std::size_t>(at.first) + static_cast<std::size_t>(b)]),
        Out<T>(x0.data() + b * x0.rows(), x0.rows(), 1));
}

template void Coupling::pair(Tile<float>, Seed, std::uint32_t, int);
template void Coupling::pair(Tile<double>, Seed, std::uint32_t, int);
template void Coupling::exchange(const TileAddress&, Out<float>) const;
template void Coupling::exchange(const TileAddress&, Out<double>) const;

}  // namespace cnf
