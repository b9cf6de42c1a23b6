// Private to this build: what a model is made of as the JSON of a model file of format 2.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "flows/cnf.hpp"

namespace cnf {

/// `cnf.parts`: the blocks from the base to the data, then the base, each an object with its "name", which is the
/// prefix of its tensors, its "kind", and what it can be told; a block's "t_base" and "t_data" last.
nlohmann::ordered_json parts_json(const Cnf& model);

/// Sets the blocks and the base that parts_json wrote. Throws InputError naming `where` for a part that is missing, out
/// of order or of an unknown kind, for a key that belongs to no part (it could change what the model means), for more
/// than 1024 blocks, and for times that make no interval; nlohmann's exceptions for a value of another type.
void read_parts(const nlohmann::ordered_json& parts, const std::string& where, Cnf& model);

/// Throws InputError if `json` has a key that is neither in `known` nor the name of one of the shape's settings.
void expect_keys(const nlohmann::ordered_json& json, const FieldShape* shape, std::vector<std::string_view> known,
                 const std::string& where);

}  // namespace cnf
