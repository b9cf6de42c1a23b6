// What --data may name: a built-in set, a picture as a density, or a table.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "datasets/density.hpp"
#include "datasets/energies/energy.hpp"
#include "datasets/rows.hpp"
#include "datasets/table.hpp"
#include "tools/cli/option.hpp"

namespace cnf {

/// Draws of one seed that must not be each other: the step of their address under Purpose::data.
enum class DrawStep : std::uint32_t { data = 0, standardisation = 1, validation = 2, evaluation = 3 };

/// A density that points can be drawn from, or the rows of a file.
struct DataArgument {
  std::string name;                        ///< the set's, or the file's without its folder
  std::shared_ptr<const Density> density;  ///< null for a table; of an energy the normalised one
  bool built_in = false;
  std::vector<std::byte> picture;  ///< the file's bytes, if it is one
  std::shared_ptr<const Energy> energy{};

  bool table() const { return density == nullptr; }
};

/// The energy that --energy names. UsageError with those that are known.
DataArgument find_energy_argument(const std::string& argument);

/// What an argument names, by its text alone; an energy is what --energy names.
enum class DataKind { built_in, picture, table, energy };
DataKind data_kind(const std::string& argument);
/// An argument as a recipe keeps it: a file without its folder, "./moons" if it is called like a built-in set.
std::string kept_argument(const std::string& name, bool built_in);

/// Finds the set or looks at the file's name; a table is not read yet. Throws InputError with the sets that are known
/// and, for a near miss, what may have been meant.
DataArgument find_data(const std::string& argument, bool invert);

/// What the columns of a point of the plane are called: x, y.
std::vector<std::string> planar_columns();

/// What the coordinates of a density are called: x and y in the plane, x1 ... xD elsewhere.
std::vector<std::string> density_columns(const Density& density);

/// --columns --drop --names --where --missing --drop-invalid, and --invert for pictures; under the heading "Data".
std::vector<Option> table_options();
class Args;
/// UsageError for a --where or --names that cannot be read.
RowOptions row_options(const Args& args);

}  // namespace cnf
