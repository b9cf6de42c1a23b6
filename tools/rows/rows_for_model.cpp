#include "tools/rows/rows_for_model.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "tools/rows/data_argument.hpp"

namespace cnf {

Index block_rows(Index D) {
  constexpr Index kMostValues = 1 << 20, kMostRows = 16384;
  return std::clamp(kMostValues / std::max<Index>(D, 1) / kMostTileRows * kMostTileRows, kMostTileRows, kMostRows);
}

namespace {

std::string first_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t j = 0; j < names.size() && j < 10; ++j) text += (j > 0 ? ", " : "") + names[j];
  return names.size() > 10 ? text + ", ..." : text;
}

}  // namespace

std::unique_ptr<RowReader> open_rows_for(const std::string& file, const std::vector<std::string>& wanted, bool by_name,
                                         const RowOptions& given) {
  RowOptions options = given;
  options.preferred = wanted;
  std::unique_ptr<RowReader> rows = open_rows(file, options);
  const bool asked = !given.columns.empty() || !given.drop.empty();
  const std::vector<std::string>& names = rows->columns();
  if (!asked && by_name && names != wanted && names != numbered_columns(std::ssize(names)))
    throw InputError(rows->source() + ": its columns are " + first_of(names) + "; the model's are " + first_of(wanted),
                     "--columns says which to take, in the model's order");
  if (names.size() != wanted.size() && rows->rows() == std::ssize(wanted))
    throw InputError(rows->source() + ": " + std::to_string(wanted.size()) + " rows of " +
                         std::to_string(names.size()) + " columns, the model takes " + std::to_string(wanted.size()) +
                         " columns; rows are samples: transposed?",
                     "numpy.save('data.npy', x.T) turns an array round");
  if (names.size() != wanted.size())
    throw InputError(rows->source() + ": " + std::to_string(names.size()) +
                         (names.size() == 1 ? " column" : " columns") + ", the model takes " +
                         std::to_string(wanted.size()) + ": " + first_of(wanted),
                     names.size() > wanted.size() ? "--columns says which to take, in the model's order" : "");
  return rows;
}

bool has_own_names(const Cnf& model) {
  return !model.columns.empty() && model.columns != numbered_columns(model.dim()) && model.columns != planar_columns();
}

std::unique_ptr<RowReader> open_data_rows(const std::string& file, const Cnf& model, const RowOptions& given) {
  return open_rows_for(file, model.columns, has_own_names(model), given);
}

std::vector<std::string> base_columns(const Cnf& model) {
  std::vector<std::string> names;
  for (Index j = 1; j <= model.dim(); ++j) names.push_back(std::string("z").append(std::to_string(j)));
  return names;
}

std::unique_ptr<RowReader> open_base_rows(const std::string& file, const Cnf& model, const RowOptions& given) {
  return open_rows_for(file, base_columns(model), false, given);
}

std::string said_of_left_out(const RowReader& rows, bool in_place) {
  const LeftOut& left_out = rows.ledger().left_out();
  std::string text = rows.source() + ": " + left_out.text() + (in_place ? " written as NaN" : " left out");
  if (in_place && left_out.invalid > 0) text += "; the first invalid: " + left_out.first_invalid;
  return text;
}

std::string nothing_left(const RowReader& rows) {
  const LeftOut& left_out = rows.ledger().left_out();
  return rows.source() + (left_out.all() > 0 ? ": no row is left: " + left_out.text() : ": no row of numbers in it");
}

SampleBatch next_block(RowReader& rows) {
  const Index D = std::ssize(rows.columns());
  Batch x(D, block_rows(D));
  const Index n = rows.read(Out<double>(x.data(), x.rows(), x.cols()));
  x.conservativeResize(D, n);
  return {std::move(x), Batch(0, n)};
}

}  // namespace cnf
