// Which base draw goes with which sample of a batch: its own, or the one that an optimal transport gives it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "flows/objectives/assignment.hpp"
#include "flows/tile_flow.hpp"

namespace cnf {

class Coupling {
 public:
  enum class Kind {
    independent,  ///< a sample's own draw
    optimal,      ///< of each kGroup samples and as many draws: the pairing of least sum of squared distances, exactly
    kept,         ///< the base point that a flow led to the sample's row: reflow
  };
  static constexpr Index kGroup = 256;  ///< the cost grows as its cube, what it straightens ever more slowly

  Kind kind = Kind::independent;
  /// Of `kept`: the base point of each row that training_rows draws batches of, by `rows_seed`. Must outlive it.
  const Batch* base_points = nullptr;
  Seed rows_seed{};

  /// Throws std::invalid_argument: `kept` without base points, or of another dimension.
  void check(Index dim) const;
  /// Pairs the points of a batch with the draws of Purpose::path at (seed, step, sample), groups on several threads. A
  /// group that holds a number that is not finite keeps its own draws. Of `kept` nothing is left to pair.
  template <class T>
  void pair(Tile<T> x1, Seed seed, std::uint32_t step, int threads);
  /// The tile's own draws become those that it was paired with.
  template <class T>
  void exchange(const TileAddress& at, Out<T> x0) const;

 private:
  struct Worker {
    Assignment assignment;
    Matrix<double> cost;
  };
  std::vector<Worker> workers_;
  std::vector<Index> draw_of_;  ///< of each sample of the batch
};

inline constexpr std::array kAllCouplings{Coupling::Kind::independent, Coupling::Kind::optimal};
std::string_view name(Coupling::Kind kind);  ///< as spelled on the command line

}  // namespace cnf
