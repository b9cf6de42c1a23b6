#include "flows/files/parts_json.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "flows/files/shape_json.hpp"

namespace cnf {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostBlocks = 1024;

std::string block_name(std::size_t k) { return "blocks." + std::to_string(k); }

void expect_name(const Json& part, const std::string& expected, const std::string& where) {
  if (part.at("name") != expected)
    throw InputError(where + ": cnf.parts has a part named " + part.at("name").dump() + " where \"" + expected +
                     "\" belongs");
}

Block block_from(const Json& part, const std::string& where) {
  Block block;
  block.field = shape_from(part, where);
  expect_keys(part, &block.field, {"name", "kind", "t_base", "t_data"}, where);
  block.t_base = part.at("t_base").get<double>();
  block.t_data = part.at("t_data").get<double>();
  if (!std::isfinite(block.t_base) || !std::isfinite(block.t_data) || block.t_base == block.t_data)
    throw InputError(where + ": t_base and t_data must be finite and different");
  return block;
}

Base base_from(const Json& part, const std::string& where) {
  const Base base;
  if (part.at("kind") != kind(base))
    throw InputError(where + ": base density " + part.at("kind").dump() + ", this build knows \"normal\"");
  expect_keys(part, nullptr, {"name", "kind"}, where);
  return base;
}

}  // namespace

void expect_keys(const Json& json, const FieldShape* shape, std::vector<std::string_view> known,
                 const std::string& where) {
  if (shape != nullptr) {
    FieldShape copy = *shape;
    for (const Setting& setting : settings(copy)) known.push_back(setting.name);
  }
  for (const auto& item : json.items())
    if (std::find(known.begin(), known.end(), item.key()) == known.end())
      throw InputError(where + ": '" + item.key() + "' means nothing to this build, and could change what the model " +
                       "means; use a newer build");
}

Json parts_json(const Cnf& model) {
  Json parts = Json::array();
  for (std::size_t k = 0; k < model.blocks.size(); ++k) {
    Json part{{"name", block_name(k)}};
    part.update(shape_json(model.blocks[k].field));
    part["t_base"] = model.blocks[k].t_base;
    part["t_data"] = model.blocks[k].t_data;
    parts.push_back(part);
  }
  parts.push_back({{"name", "base"}, {"kind", kind(model.base)}});
  return parts;
}

void read_parts(const Json& parts, const std::string& where, Cnf& model) {
  if (!parts.is_array() || parts.size() < 2 || parts.size() > kMostBlocks + 1)
    throw InputError(where + ": cnf.parts is not a list of 1 to " + std::to_string(kMostBlocks) + " blocks and a base");
  model.blocks.clear();
  for (std::size_t k = 0; k + 1 < parts.size(); ++k) {
    expect_name(parts[k], block_name(k), where);
    model.blocks.push_back(block_from(parts[k], where));
    if (dim(model.blocks[k].field) != model.dim())
      throw InputError(where + ": " + block_name(k) + " is over " + std::to_string(dim(model.blocks[k].field)) +
                       " dimensions, blocks.0 over " + std::to_string(model.dim()));
  }
  expect_name(parts.back(), "base", where);
  model.base = base_from(parts.back(), where);
}

}  // namespace cnf
