#include <charconv>
#include <cmath>
#include <stdexcept>

#include "datasets/cell_kind.hpp"
#include "datasets/cell_number.hpp"
#include "datasets/csv.hpp"

namespace cnf {

namespace {

/// Names that would be read as something else: cut, as a comment, or as numbers of a row.
bool needs_quotes(std::string_view name) {
  double value = 0;
  return name.find_first_of(",;|'\"\t\r\n ") != std::string_view::npos || name.find_first_of("#%/") == 0 ||
         name.starts_with("sep=") || is_missing(name) || read_number(name).form != CellNumber::Form::none ||
         read_plain_number(name, value) != CellNumber::Form::none;
}

}  // namespace

void append_csv_header(std::string& out, const std::vector<std::string>& columns) {
  for (std::size_t j = 0; j < columns.size(); ++j) {
    if (j > 0) out += ',';
    if (!needs_quotes(columns[j])) {
      out += columns[j];
      continue;
    }
    out += '"';
    for (const char c : columns[j]) out.append(c == '"' ? 2 : 1, c);
    out += '"';
  }
  out += '\n';
}

void append_csv_rows(std::string& out, const Eigen::Ref<const Batch>& x) {
  char digits[32];
  for (Index i = 0; i < x.cols(); ++i)
    for (Index j = 0; j < x.rows(); ++j) {
      const double value = std::isnan(x(j, i)) ? std::abs(x(j, i)) : x(j, i);  // never "-nan"
      out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
      out += j + 1 < x.rows() ? ',' : '\n';
    }
}

std::string csv_bytes(const Eigen::Ref<const Batch>& x, const std::vector<std::string>& columns) {
  if (!columns.empty() && static_cast<Index>(columns.size()) != x.rows())
    throw std::invalid_argument("csv_bytes: " + std::to_string(columns.size()) + " column names for " +
                                std::to_string(x.rows()) + " dimensions");
  std::string out;
  if (!columns.empty()) append_csv_header(out, columns);
  append_csv_rows(out, x);
  return out;
}

}  // namespace cnf
