// Frozen grids for a model, found by trying them: the cheapest that is right to so many nats.
#pragma once

#include <optional>

#include "flows/accuracy_rows.hpp"

namespace cnf {

struct FoundGrid {
  FrozenFlow frozen;
  double cost = 0;  ///< evaluations of the network a row, those of rows that are solved again among them
};

/// Grids whose steps have one size, but the first ones, or follow an adaptive solver's; of Adams methods of order 2 to
/// 6, with leads of 0 to 1. A grid's limit is below the correction of every row tried that it is wrong for, also of
/// rows drawn from a wider base, and is at most four times the largest correction of the model's own rows.
class GridSearch {
 public:
  /// `own` and `wider` are tried on; all outlive the search. `options`: precision and threads.
  GridSearch(AccuracyRows& rows, const Cnf& model, Way way, const KnownRows& own, const KnownRows& wider);

  /// The cheapest found whose errors are at most `target`, if it costs less than `below`.
  std::optional<FoundGrid> cheapest(double target, double below, const EvaluationOptions& options);

 private:
  /// A grid as it is tried: over all blocks, in shares that an adaptive solver takes.
  struct Shape {
    int order = 4, steps = 0;
    double lead = 0.5, rise = 1;
    double follow = 0;  ///< steps go as the adaptive solver's to this power
    auto operator<=>(const Shape&) const = default;
  };
  struct Tried {
    FoundGrid grid;
    double score = 0;  ///< the cost that it would have with as many steps as make its largest error the target
  };

  std::optional<Tried> try_shape(const Shape& shape);
  bool take(const Shape& shape, bool by_score);
  void start(int order, double below);
  void lengthen();
  void bend();
  void shorten();
  FrozenFlow grids(const Shape& shape) const;

  AccuracyRows& rows_;
  const Cnf& model_;
  Way way_;
  const KnownRows& own_;
  const KnownRows& wider_;
  std::vector<std::vector<double>> densities_;  ///< a block each
  EvaluationOptions options_;
  double target_ = 0;
  Shape shape_;  ///< the best so far
  std::optional<Tried> best_;
};

}  // namespace cnf
