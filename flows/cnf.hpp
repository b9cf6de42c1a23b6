// The density model: a base, fields and the intervals they are integrated over, and the map to the user's units.
#pragma once

#include <string>
#include <vector>

#include "base/standardisation.hpp"
#include "flows/base_density.hpp"
#include "flows/fields/field_shape.hpp"

namespace cnf {

/// One field and the interval it is integrated over: z(t_data) from z(t_base) by dz/dt = f(t, z).
struct Block {
  FieldShape field;
  double t_base = 0, t_data = 1;
};

/// Along the flow: from the data to the base, as a density is found, or back, as samples are drawn.
enum class Way { to_base, to_data };

/// What a density may depend on besides its point: a column of the data that is given, not modelled.
struct Condition {
  std::string name;
  double mean = 0, scale = 1;           ///< of a number
  std::vector<std::string> categories;  ///< not empty: one of these
};

/// A continuous normalizing flow: z ~ base, through the blocks in their order, and x = standardisation(z). A value.
struct Cnf {
  std::vector<Block> blocks{1};  ///< from the base to the data, all over the same dimension
  Base base;
  std::vector<Condition> given;
  Vector<double> params;  ///< layout().size; a model trained in float holds values that are floats
  Standardisation standardisation;
  std::vector<std::string> columns;  ///< names of the data's columns, D

  Index dim() const { return cnf::dim(blocks.front().field); }
  /// The time of the base, where the first block begins, and of the data, where the last one ends.
  double begin() const { return blocks.front().t_base; }
  double end() const { return blocks.back().t_data; }
  /// One MLP on N(0, I), without conditions: its tensors have their own names alone, and a file of format 1 can say it.
  bool is_plain() const;
  /// Where the parameters lie: the blocks' under "blocks.k.", the base's under "base."; of a plain model without
  /// prefix.
  Layout layout() const;
  bool is_smooth() const;  ///< of every block: see field_shape.hpp
  /// The only block's shape. std::logic_error if there are several, or its field is no MLP.
  const MlpShape& mlp() const;
};

/// Throws std::invalid_argument for a model that makes no sense: no block, blocks over different dimensions, times that
/// are not finite or equal, another number of parameters, a standardisation over another dimension, conditions (no
/// field takes any yet).
void check(const Cnf& model);

/// A flow of one block that has learned nothing yet: weights drawn from the seed, near the identity in unit
/// coordinates. The field's dimension is the standardisation's; the base is at time 0, the data are at t_data, and
/// `columns` names them.
Cnf start_flow(FieldShape field, const Standardisation& standardisation, Seed seed, double t_data = 1,
               std::vector<std::string> columns = {});

/// Throws std::invalid_argument for points or conditions of other rows than the model's; `what` names the caller.
void expect_samples(const char* what, const Cnf& model, Index rows, Index given);

/// Samples of one unit of work, on one thread: a function of the model alone, and a divisor of kMostTileRows, so that
/// blocks of a multiple of that are whole tiles of any model.
Index tile_rows(const Cnf& model);
inline constexpr Index kMostTileRows = 64;

enum class Precision { single_float, double_float };
std::string_view name(Precision precision);  ///< "float" or "double"

}  // namespace cnf
