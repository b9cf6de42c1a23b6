// A cell holds the draws [first, first + draws) of an order that splitting it permutes. Examined, its value is the sum
// of its children's and its error what that moved; refining puts the children, examined, in its place. All points of a
// round are asked for together and in order, so that the answer does not depend on threads.
#include "flows/judge/mass.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

namespace cnf {
namespace {

constexpr Index kPointsAtOnce = 16384, kDrawsInACell = 32, kMostEvaluations = 700'000, kMostCells = 200'000;
constexpr Index kFew = 4;  // draws that say where a cell's density is: in at least this part of a side
constexpr double kFilled = 0.25;
constexpr double kGrading = 4;     // times a cell's side, and no more, has a cell beside it
constexpr int kMostHalvings = 60;  // of a side in the first tree: draws that agree are not parted
constexpr double kEnough = 2e-4;   // error at which refining ends
constexpr double kUnseen = 3;      // times above all its points: a draw's density that tells of a missed spike
constexpr std::array<double, 4> kNode{-0.86113631159405258, -0.33998104358485626, 0.33998104358485626,
                                      0.86113631159405258};
constexpr std::array<double, 4> kWeight{0.34785484513745386, 0.65214515486254614, 0.65214515486254614,
                                        0.34785484513745386};

struct Cell {
  std::array<double, 2> low{}, high{};  // of D axes
  Index first = 0, draws = 0;           // in the order
  double sum = 0, top = 0;              // by its own points, and the highest density among them
  bool failed = false;                  // at one of them
};

/// Around `at` a cell's sides may be `most`.
struct Neighbour {
  std::array<double, 2> at{}, most{};
};

struct Examined {
  std::vector<Cell> children;
  double value = 0, moved = 0, missed = 0;  // the last: the share of the draws whose density no point saw
  double error() const { return moved + missed; }
};

class Cubature {
 public:
  Cubature(const LogDensity& log_density, const ScoredDraws& draws, StopFlag stop)
      : log_density_(log_density), draws_(draws), stop_(stop), D_(draws.points.rows()), order_(draws.points.cols()) {
    std::iota(order_.begin(), order_.end(), Index{0});
  }

  Mass run() {
    std::vector<Cell> grown, leaves;
    plant(whole(), 0, grown);
    grade(whole(), neighbours(grown), leaves);
    sum(leaves);
    examine(leaves);
    while (count_ < kMostEvaluations && error_ > kEnough && std::ssize(cells_) < kMostCells) refine();
    Mass mass{.evaluations = count_};
    double squares = 0;
    for (const Examined& cell : cells_)
      mass.value += cell.value, squares += cell.moved * cell.moved, mass.error += cell.missed;
    mass.error += std::sqrt(squares);
    return mass;
  }

 private:
  Cell whole() const {
    Cell cell{.draws = std::ssize(order_)};
    for (Index d = 0; d < D_; ++d) {
      const double low = draws_.points.row(d).minCoeff(), high = draws_.points.row(d).maxCoeff();
      const double side = std::max({high - low, 1e-9 * std::max(std::abs(low), std::abs(high)), 1e-300});
      cell.low[static_cast<std::size_t>(d)] = low - side, cell.high[static_cast<std::size_t>(d)] = high + side;
    }
    return cell;
  }

  /// Halves along one axis, draws and all.
  std::array<Cell, 2> halves(const Cell& cell, Index axis) {
    const auto a = static_cast<std::size_t>(axis);
    const double middle = 0.5 * (cell.low[a] + cell.high[a]);
    const auto begin = order_.begin() + cell.first;
    const auto parted =
        std::partition(begin, begin + cell.draws, [&](Index i) { return draws_.points(axis, i) < middle; });
    Cell below{.low = cell.low, .high = cell.high, .first = cell.first, .draws = parted - begin};
    Cell above{
        .low = cell.low, .high = cell.high, .first = cell.first + below.draws, .draws = cell.draws - below.draws};
    below.high[a] = middle, above.low[a] = middle;
    return {below, above};
  }

  /// The axis along which the draws fill the least of the cell, and how much.
  std::pair<Index, double> tightest(const Cell& cell) const {
    Index best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (Index d = 0; d < D_; ++d) {
      const auto a = static_cast<std::size_t>(d);
      double low = cell.high[a], high = cell.low[a];
      for (Index k = cell.first; k < cell.first + cell.draws; ++k) {
        const double x = draws_.points(d, order_[static_cast<std::size_t>(k)]);
        low = std::min(low, x), high = std::max(high, x);
      }
      const double filled = (high - low) / (cell.high[a] - cell.low[a]);
      if (filled < least) least = filled, best = d;
    }
    return {best, least};
  }

  /// Halves until the draws are few and fill their cell.
  void plant(const Cell& cell, int halvings, std::vector<Cell>& leaves) {
    const auto [axis, filled] = tightest(cell);
    const bool loose = cell.draws >= kFew && filled < kFilled;
    if ((cell.draws <= kDrawsInACell && !loose) || halvings == kMostHalvings * D_) {
      leaves.push_back(cell);
      return;
    }
    for (const Cell& half : halves(cell, axis)) plant(half, halvings + 1, leaves);
  }

  /// Halves where a neighbour is much smaller: what it follows has tails, which no draw need have seen.
  void grade(const Cell& cell, const std::vector<Neighbour>& inside, std::vector<Cell>& leaves) {
    std::size_t axis = 0;
    double worst = 0;
    for (std::size_t a = 0; a < static_cast<std::size_t>(D_); ++a)
      for (const Neighbour& n : inside)
        if (const double over = (cell.high[a] - cell.low[a]) / n.most[a]; over > worst) worst = over, axis = a;
    if (worst <= 1) {
      leaves.push_back(cell);
      return;
    }
    const double middle = 0.5 * (cell.low[axis] + cell.high[axis]);
    std::vector<Neighbour> parts[2];
    for (const Neighbour& n : inside) parts[n.at[axis] < middle ? 0 : 1].push_back(n);
    const std::array<Cell, 2> both = halves(cell, static_cast<Index>(axis));
    for (std::size_t k = 0; k < 2; ++k) grade(both[k], parts[k], leaves);
  }

  /// Of each cell that has draws: its middle, where cells are as large, and those of the cells of its size around it.
  std::vector<Neighbour> neighbours(const std::vector<Cell>& leaves) const {
    std::vector<Neighbour> all;
    for (const Cell& leaf : leaves) {
      if (leaf.draws < kFew) continue;
      for (int k = 0; k < (D_ == 1 ? 3 : 9); ++k) {
        const int step[2] = {k % 3 - 1, k / 3 - 1};
        const bool own = D_ == 1 ? k == 1 : k == 4;
        Neighbour& n = all.emplace_back();
        for (std::size_t a = 0; a < static_cast<std::size_t>(D_); ++a) {
          const double side = leaf.high[a] - leaf.low[a];
          n.at[a] = leaf.low[a] + (0.5 + step[a]) * side;
          n.most[a] = 1.5 * (own ? 1 : kGrading) * side;  // halvings meet a half of it exactly but for rounding
        }
      }
    }
    return all;
  }

  Index points() const { return D_ == 1 ? 4 : 16; }

  /// The cells' sums by their own points.
  void sum(std::vector<Cell>& cells) {
    const Index per_cell = points(), at_once = kPointsAtOnce / per_cell;
    for (std::size_t first = 0; first < cells.size(); first += static_cast<std::size_t>(at_once)) {
      stop_if_asked(stop_);
      const std::size_t end = std::min(cells.size(), first + static_cast<std::size_t>(at_once));
      Batch x(D_, per_cell * static_cast<Index>(end - first));
      for (std::size_t c = first; c < end; ++c)
        for (Index k = 0; k < per_cell; ++k)
          for (Index d = 0; d < D_; ++d) {
            const auto a = static_cast<std::size_t>(d);
            const Cell& cell = cells[c];
            const double node = kNode[static_cast<std::size_t>(d == 0 ? k % 4 : k / 4)];
            x(d, static_cast<Index>(c - first) * per_cell + k) =
                cell.low[a] + 0.5 * (1 + node) * (cell.high[a] - cell.low[a]);
          }
      const Vector<double> log_p = log_density_(x, count_);
      count_ += x.cols();
      for (std::size_t c = first; c < end; ++c) {
        Cell& cell = cells[c];
        double size = 1;
        for (std::size_t a = 0; a < static_cast<std::size_t>(D_); ++a) size *= 0.5 * (cell.high[a] - cell.low[a]);
        for (Index k = 0; k < per_cell; ++k) {
          const double p = std::exp(log_p[static_cast<Index>(c - first) * per_cell + k]);
          if (std::isnan(p)) {
            cell.failed = true;
            continue;
          }
          const double weight =
              kWeight[static_cast<std::size_t>(k % 4)] * (D_ == 1 ? 1 : kWeight[static_cast<std::size_t>(k / 4)]);
          cell.sum += size * weight * p, cell.top = std::max(cell.top, p);
        }
      }
    }
  }

  std::vector<Cell> children(const Cell& cell) {
    std::vector<Cell> list{cell};
    for (Index d = 0; d < D_; ++d) {
      std::vector<Cell> halved;
      for (const Cell& c : list)
        for (const Cell& half : halves(c, d)) halved.push_back(half);
      list = std::move(halved);
    }
    return list;
  }

  /// The share of the draws in a cell whose density its points did not see, or could not.
  double unseen(const Cell& cell) const {
    Index missed = 0;
    for (Index k = cell.first; k < cell.first + cell.draws; ++k)
      missed += cell.failed || std::exp(draws_.log_prob[order_[static_cast<std::size_t>(k)]]) > kUnseen * cell.top;
    return static_cast<double>(missed) / static_cast<double>(order_.size());
  }

  /// Sums of the children; the cells, whose own sums are known, join the others.
  void examine(const std::vector<Cell>& parents) {
    std::vector<Cell> all;
    for (const Cell& parent : parents)
      for (Cell& child : children(parent)) all.push_back(std::move(child));
    sum(all);
    const std::size_t each = D_ == 1 ? 2 : 4;
    for (std::size_t p = 0; p < parents.size(); ++p) {
      Examined cell{.children = {all.begin() + static_cast<std::ptrdiff_t>(p * each),
                                 all.begin() + static_cast<std::ptrdiff_t>((p + 1) * each)}};
      for (const Cell& child : cell.children) cell.value += child.sum, cell.missed += unseen(child);
      cell.moved = std::abs(cell.value - parents[p].sum);
      error_ += cell.error();
      cells_.push_back(std::move(cell));
    }
  }

  /// Replaces the cells of the greatest errors, so many that half of what is allowed would be left, by their children.
  void refine() {
    std::sort(cells_.begin(), cells_.end(), [](const Examined& a, const Examined& b) { return a.error() < b.error(); });
    double kept = 0;
    std::size_t good = 0;
    const Index dearest = 16 * points();  // a cell's children's children
    while (good < cells_.size() && kept + cells_[good].error() <= 0.5 * kEnough) kept += cells_[good++].error();
    const auto most = static_cast<std::size_t>(std::max<Index>(1, (kMostEvaluations - count_) / dearest));
    good = std::max(good, cells_.size() - std::min(cells_.size(), most));
    std::vector<Cell> parents;
    for (std::size_t c = good; c < cells_.size(); ++c)
      parents.insert(parents.end(), cells_[c].children.begin(), cells_[c].children.end());
    cells_.resize(good);
    error_ = 0;
    for (const Examined& cell : cells_) error_ += cell.error();
    examine(parents);
  }

  const LogDensity& log_density_;
  const ScoredDraws& draws_;
  StopFlag stop_;
  Index D_;
  std::vector<Index> order_;
  std::vector<Examined> cells_;
  double error_ = 0;  // the sum of theirs
  Index count_ = 0;
};

}  // namespace

Mass integral(const LogDensity& log_density, const ScoredDraws& draws, StopFlag stop) {
  const Index D = draws.points.rows(), n = draws.points.cols();
  if (D < 1 || D > 2 || n < 2 || draws.log_prob.size() != n)
    throw std::invalid_argument("integral: draws are " + std::to_string(D) + " x " + std::to_string(n) + " with " +
                                std::to_string(draws.log_prob.size()) +
                                " log-densities; expected 1 or 2 rows, 2 or more columns and one for each");
  return Cubature(log_density, draws, stop).run();
}

Mass total_mass(Evaluator& evaluator, const Cnf& model, Seed seed) {
  constexpr Index kDraws = 8192;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (model.dim() > 2)
    throw std::invalid_argument("total_mass: the model is over " + std::to_string(model.dim()) +
                                " dimensions, expected 1 or 2");
  ScoredDraws draws = draws_with_density(evaluator, seed, kDraws);
  if (draws.points.cols() < 2) return {.error = kInfinity};
  const double log_scale = model.standardisation.log_abs_det();
  draws.points = model.standardisation.apply(draws.points);
  draws.log_prob.array() += log_scale;
  struct GivenUp {};
  try {
    return integral(
        [&](const Batch& u, Index first) {
          Evaluated block = evaluator.log_prob(model.standardisation.invert(u), static_cast<std::uint64_t>(first));
          if (block.given_up) throw GivenUp{};
          return Vector<double>(block.log_prob.array() + log_scale);
        },
        draws);
  } catch (const GivenUp&) {
    return {.error = kInfinity};
  }
}

}  // namespace cnf
