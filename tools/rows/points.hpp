// Points that densities are judged by, in blocks: fresh draws of a density, rows in memory, or rows of a file.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "datasets/density.hpp"
#include "datasets/rows.hpp"
#include "flows/samples.hpp"
#include "tools/cli/option.hpp"

namespace cnf {

/// --data and --num, under the heading "Data". `help`: of --data, behind what it may be.
std::vector<Option> points_options(const std::string& help);

struct Points {
  std::string name{};
  std::shared_ptr<const Density> density{};         ///< drawn from, if there is one,
  std::unique_ptr<RowReader> reader{};              ///< else a file, if there is one,
  Batch rows{};                                     ///< else these
  Index limit = std::numeric_limits<Index>::max();  ///< at most so many

  /// How many there will be; 0: not known beforehand.
  Index count() const { return density ? limit : reader ? 0 : std::min(limit, rows.cols()); }
  /// Calls judge(block) for block after block. InputError if there is no point at all; what the reader noticed and left
  /// out is said as of `verb`. Returns how many there were.
  Index for_each_block(Seed seed, const std::string& verb, const std::function<void(const SampleBatch&)>& judge);

 private:
  SampleBatch next(Index done, Seed seed);
};

}  // namespace cnf
