// Rows that could not be solved: which, how far out they lie, and what may be done.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "datasets/rows.hpp"
#include "flows/cnf.hpp"
#include "solvers/status.hpp"
#include "tools/cli/args.hpp"

namespace cnf {

/// What --on-error makes of failed rows: an error that names the first of them, or rows of NaN and a message at the
/// end. `in_place`: or nan, by which rows that cannot even be read are NaN too, and output row i is input row i.
Option on_error_option(const std::string& initial = "stop", bool in_place = false);

/// Says on standard error, by the verb's --rtol --atol --precision, if floats do not hold what is asked for.
void warn_of_tolerance(const Args& args);

/// How far a row lies from what a model knows, in the coordinates in which its data have mean 0 and covariance I.
struct FarOut {
  double deviations = 0;  ///< the largest of these coordinates
  std::string what{};     ///< from where, and in which column most: "from the mean of ..., most of all in 'x'"
};
FarOut far_from_data(const Cnf& model, const Batch& x, Index row);
FarOut far_from_base(const Cnf& model, const Batch& z, Index row);

/// The failed rows of many calls, in memory that does not grow.
class Failures {
 public:
  using FarOutOf = std::function<FarOut(Index row)>;

  /// `of`: what messages call the model, where there are several.
  explicit Failures(const Args& args, const std::string& of = {});
  /// Notes those of one call whose row 0 has the number `first`, from 0; messages say "row 1042 (from 1)".
  /// Throws ComputationError under --on-error=stop.
  void add(const std::vector<Status>& failures, std::uint64_t first, const FarOutOf& far_out = {});
  /// Notes those of the block that `rows` read last, but for rows that it left out; messages say where it stands:
  /// "data.csv:1042".
  void add(const std::vector<Status>& failures, const RowReader& rows, const FarOutOf& far_out = {});
  std::int64_t count() const { return count_; }
  /// Says on standard error how many there were, if any.
  void say() const;

 private:
  void note(const std::vector<Status>& failures, const std::function<std::string(Index row)>& place,
            const FarOutOf& far_out);
  std::string text() const;

  std::string verb_, of_, fine_;  ///< fine_: the tolerance, if it is finer than float can be relied on to keep
  bool stop_;
  std::int64_t count_ = 0;
  std::string first_, help_;  ///< where, and what; and what may be done
};

}  // namespace cnf
