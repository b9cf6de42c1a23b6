// Every shape of field a flow can be made of, as one value.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <variant>

#include "base/random.hpp"
#include "flows/fields/field.hpp"
#include "flows/fields/mlp_shape.hpp"
#include "flows/fields/planar.hpp"
#include "flows/fields/potential.hpp"
#include "flows/layout.hpp"
#include "flows/setting.hpp"

namespace cnf {

/// A field without its parameters. To add one: a struct with
///   kKind, kHelp                 its name in files and on the command line, and a sentence
///   dim                          a member
///   settings()                   what it can be told
///   layout()                     its tensors; throws std::invalid_argument for sizes that make no field
///   initial_parameters(seed)     layout().size values for data of unit variance
///   make<T>(params)              the field bound to parameters; std::invalid_argument: another number of them
///   kHasPotential                optional: true if its fields are slopes of a potential
/// and its name in this list. Files, `cnf train --field` and the tests of every field find it here.
using FieldShape = std::variant<MlpShape, PlanarShape, PotentialShape>;

std::string_view kind(const FieldShape& shape);
std::string_view help(const FieldShape& shape);
std::vector<FieldShape> all_field_shapes();  ///< one of each kind, with its defaults
/// The shape of that kind with its defaults, or none.
std::optional<FieldShape> find_field_shape(std::string_view kind);

std::vector<Setting> settings(FieldShape& shape);  ///< "dim" first
Layout layout(const FieldShape& shape);
Index dim(const FieldShape& shape);
void set_dim(FieldShape& shape, Index D);
/// Whether f has a derivative everywhere. Else the divergence jumps, and methods of high order lose their order.
bool is_smooth(const FieldShape& shape);
/// Whether its fields are slopes of a potential (Field::has_potential).
bool has_potential(const FieldShape& shape);
Vector<double> initial_parameters(const FieldShape& shape, Seed seed);

/// `params`: layout(shape).size values, which must outlive the field. std::invalid_argument: another number of them.
template <class T>
std::unique_ptr<Field<T>> make_field(const FieldShape& shape, std::span<const T> params);

}  // namespace cnf
