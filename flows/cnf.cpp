#include "flows/cnf.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "base/number_text.hpp"
#include "base/utf8.hpp"

namespace cnf {

std::string_view name(Precision precision) { return precision == Precision::single_float ? "float" : "double"; }

bool Cnf::is_plain() const {
  return blocks.size() == 1 && std::holds_alternative<MlpShape>(blocks.front().field) &&
         std::holds_alternative<NormalBase>(base) && given.empty();
}

Layout Cnf::layout() const {
  if (is_plain()) return cnf::layout(blocks.front().field);
  Layout all;
  for (std::size_t k = 0; k < blocks.size(); ++k)
    all.append("blocks." + std::to_string(k) + ".", cnf::layout(blocks[k].field));
  all.append("base.", cnf::layout(base, dim()));
  return all;
}

bool Cnf::is_smooth() const {
  return std::all_of(blocks.begin(), blocks.end(), [](const Block& block) { return cnf::is_smooth(block.field); });
}

const MlpShape& Cnf::mlp() const {
  const auto* shape = blocks.size() == 1 ? std::get_if<MlpShape>(&blocks.front().field) : nullptr;
  if (shape == nullptr) throw std::logic_error("Cnf::mlp: this model is not one block of an MLP");
  return *shape;
}

void check(const Cnf& model) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("model: " + what); };
  if (model.blocks.empty()) refuse("it has no block");
  for (const Block& block : model.blocks) {
    if (dim(block.field) != model.dim())
      refuse("blocks over " + std::to_string(model.dim()) + " and " + std::to_string(dim(block.field)) + " dimensions");
    if (!std::isfinite(block.t_base) || !std::isfinite(block.t_data) || block.t_base == block.t_data)
      refuse("t_base is " + shortest(block.t_base) + ", t_data " + shortest(block.t_data) +
             "; expected two different finite times");
  }
  if (!model.given.empty()) refuse("it has the condition '" + model.given.front().name + "', but no field takes one");
  const Index size = model.layout().size;
  if (model.params.size() != size)
    refuse("it has " + std::to_string(model.params.size()) + " parameters, its shape takes " + std::to_string(size));
  const Standardisation& units = model.standardisation;
  if (units.dim() != model.dim() || units.scale.rows() != model.dim() || units.scale.cols() != model.dim())
    refuse("the standardisation is over " + std::to_string(units.dim()) + " dimensions, the model over " +
           std::to_string(model.dim()));
  for (const std::string& column : model.columns)
    if (!is_name(column)) refuse("a column is called '" + printable(column, 200) + "', expected no control characters");
}

Cnf start_flow(FieldShape field, const Standardisation& standardisation, Seed seed, double t_data,
               std::vector<std::string> columns) {
  Cnf model;
  set_dim(field, standardisation.dim());
  model.blocks.front() = {std::move(field), 0, t_data};
  model.standardisation = standardisation;
  model.columns = std::move(columns);
  // Rounded to float, so that a flow starts from the same weights in either precision.
  model.params = initial_parameters(model.blocks.front().field, seed).cast<float>().cast<double>();
  return model;
}

void expect_samples(const char* what, const Cnf& model, Index rows, Index given) {
  if (rows != model.dim())
    throw std::invalid_argument(std::string(what) + ": x has " + std::to_string(rows) + " rows, this flow is over " +
                                std::to_string(model.dim()) + " dimensions; samples are columns, is x transposed?");
  if (given == std::ssize(model.given)) return;
  std::string names;
  for (const Condition& condition : model.given) names += (names.empty() ? ": '" : ", '") + condition.name + "'";
  throw std::invalid_argument(std::string(what) + ": " + std::to_string(given) + " conditions are given, this flow " +
                              "takes " + (model.given.empty() ? "none" : std::to_string(model.given.size()) + names));
}

Index tile_rows(const Cnf&) { return kMostTileRows; }

}  // namespace cnf
