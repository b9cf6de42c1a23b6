// Private to this build: a field's shape as the JSON of a model file, by its settings' names.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "flows/fields/field_shape.hpp"

namespace cnf {

/// {"kind": ..., then the settings in their order, each under its name}: `cnf.field` of a model file.
nlohmann::ordered_json shape_json(const FieldShape& shape);

/// The shape that shape_json wrote. Throws InputError naming `where` for an unknown kind or choice, a number that is
/// not whole or out of its range; nlohmann's exceptions for a setting that is missing or of another type.
FieldShape shape_from(const nlohmann::ordered_json& json, const std::string& where);

}  // namespace cnf
