#include "datasets/rows.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"
#include "base/inflate.hpp"
#include "base/utf8.hpp"
#include "datasets/csv.hpp"
#include "datasets/npy_rows.hpp"
#include "datasets/table_kind.hpp"

namespace cnf {
namespace {

std::optional<Index> column_number(const std::string& text, Index D) {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 1 || number > D) return std::nullopt;
  return number - 1;
}

/// Finds columns of a file by name or number.
class ColumnFinder {
 public:
  ColumnFinder(const std::string& source, const std::vector<std::string>& names) : source_(source), names_(names) {
    for (std::size_t j = 0; j < names.size(); ++j) ++places_.try_emplace(names[j], Place{j}).first->second.count;
  }

  Index operator()(const std::string& wanted) const {
    const Index D = std::ssize(names_);
    if (const auto found = places_.find(wanted); found != places_.end()) {
      if (found->second.count > 1)
        throw InputError(source_ + ": more than one column is called '" + printable(wanted, 200) + "'",
                         "name it by its number, 1 to " + std::to_string(D));
      return static_cast<Index>(found->second.first);
    }
    if (const auto number = column_number(wanted, D)) return *number;
    std::string list;
    for (std::size_t j = 0; j < names_.size() && j < 10; ++j) list += (j > 0 ? ", " : "") + names_[j];
    if (D > 10) list += ", ...";
    throw InputError(source_ + ": no column '" + printable(wanted, 200) + "', expected a number from 1 to " +
                     std::to_string(D) + " or one of " + list);
  }

 private:
  struct Place {
    std::size_t first = 0, count = 0;
  };
  const std::string& source_;
  const std::vector<std::string>& names_;
  std::unordered_map<std::string_view, Place> places_;
};

bool holds_all(const std::vector<std::string>& names, const std::vector<std::string>& wanted) {
  const std::unordered_set<std::string_view> held(names.begin(), names.end());
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& name) { return held.contains(name); });
}

}  // namespace

void RowReader::check_block(const Out<double>& block) const {
  if (block.rows() != static_cast<Index>(columns().size()) || block.cols() < 1)
    throw std::invalid_argument("RowReader::read: block is " + std::to_string(block.rows()) + " x " +
                                std::to_string(block.cols()) + ", expected " + std::to_string(columns().size()) +
                                " rows (one sample per column) and at least 1 column");
}

std::unique_ptr<RowReader> open_rows(const std::filesystem::path& path, const RowOptions& options) {
  if (path == "-") return read_csv(unpacked(ByteSource("/dev/stdin", options.stop)), "standard input", options);
  const TableKind kind = table_kind(path);
  const std::string name = printable(path.string());
  ByteSource bytes = unpacked(ByteSource(path, options.stop));
  switch (kind) {
    case TableKind::npy:
      return read_npy_rows(std::move(bytes), name, options);
    case TableKind::npz:
      return read_npz_rows(std::move(bytes), name, options);
    case TableKind::tabs:
      return read_csv(std::move(bytes), name, options, '\t');
    case TableKind::text:
      break;
  }
  return read_csv(std::move(bytes), name, options);
}

std::vector<Index> select_columns(const std::string& source, const std::vector<std::string>& names,
                                  const RowOptions& options) {
  const bool by_rule = options.columns.empty() && options.drop.empty();
  const bool by_preference =
      by_rule && !options.preferred.empty() && names != options.preferred && holds_all(names, options.preferred);
  const std::vector<std::string>& chosen = by_preference ? options.preferred : options.columns;
  std::vector<Index> keep(chosen.empty() ? names.size() : 0);
  std::iota(keep.begin(), keep.end(), Index{0});
  if (by_rule && !by_preference) return keep;
  const ColumnFinder find(source, names);
  std::vector<char> taken(names.size());
  for (const std::string& wanted : chosen) {
    const Index j = find(wanted);
    if (std::exchange(taken[static_cast<std::size_t>(j)], 1))
      throw InputError(source + ": column '" + printable(wanted, 200) + "' is asked for twice");
    keep.push_back(j);
  }
  std::vector<char> dropped(names.size());
  for (const std::string& unwanted : options.drop) dropped[static_cast<std::size_t>(find(unwanted))] = 1;
  std::erase_if(keep, [&](Index j) { return dropped[static_cast<std::size_t>(j)]; });
  if (keep.empty()) throw InputError(source + ": no column is left of " + std::to_string(names.size()));
  return keep;
}

void refuse_columns(const std::string& place) {
  throw InputError(place + ": more than " + std::to_string(kMostColumns) + " columns, expected at most as many",
                   "is this a table of rows, or one long row? rows run along the first axis, one a line");
}

std::vector<std::string> numbered_columns(Index D) {
  std::vector<std::string> names;
  for (Index j = 1; j <= D; ++j) names.push_back(std::string("x").append(std::to_string(j)));
  return names;
}

std::vector<std::string> column_names(const std::string& source, std::vector<std::string> own,
                                      const RowOptions& options) {
  if (options.names.empty()) return own;
  if (options.names.size() != own.size())
    throw InputError(source + ": " + std::to_string(own.size()) + (own.size() == 1 ? " column" : " columns") +
                     ", but " + std::to_string(options.names.size()) + " names are given for them");
  return options.names;
}

Index find_column(const std::string& source, const std::vector<std::string>& names, const std::string& wanted) {
  return ColumnFinder(source, names)(wanted);
}

}  // namespace cnf
