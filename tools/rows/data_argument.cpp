#include "tools/rows/data_argument.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "datasets/energies/energies.hpp"
#include "datasets/mixture_density.hpp"
#include "datasets/picture.hpp"
#include "datasets/table_kind.hpp"
#include "datasets/toy.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/suggest.hpp"

namespace cnf {

namespace {

/// "a,b" as its parts; names with commas are quoted in no shell, so they are given by number.
std::vector<std::string> parts(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

bool is_built_in(const std::string& name) {
  try {
    return find_toy(name) != nullptr || find_mixture(name) != nullptr;
  } catch (const InputError&) {  // a mixture of no dimensions, or of too many
    return true;
  }
}

}  // namespace

DataKind data_kind(const std::string& argument) {
  if (is_built_in(argument)) return DataKind::built_in;
  return is_picture(argument) ? DataKind::picture : DataKind::table;
}

std::string kept_argument(const std::string& name, bool built_in) {
  return !built_in && is_built_in(name) ? "./" + name : name;
}

DataArgument find_data(const std::string& argument, bool invert) {
  if (const ToyDensity* toy = find_toy(argument))
    return {argument, std::shared_ptr<const Density>(toy, [](const Density*) {}), true, {}, {}};
  try {
    if (auto mixture = find_mixture(argument)) return {argument, std::move(mixture), true, {}, {}};
  } catch (const InputError& error) {
    throw UsageError(error.what());
  }
  const std::filesystem::path path(argument);
  std::error_code error;
  const bool file = argument == "-" || std::filesystem::exists(path, error);
  if (!file && !path.has_extension() && !path.has_parent_path()) {
    std::string known;
    for (const std::string& name : toy_names()) known += (known.empty() ? "" : ", ") + name;
    const std::string meant = did_you_mean(argument, toy_names());
    throw UsageError(in_quotes(argument) + " is neither a built-in set nor a file",
                     (meant.empty() ? "" : meant + " ") + "the sets are " + known + ", and mixture:D in D dimensions");
  }
  if (!file) throw InputError(argument + ": no such file");
  if (!is_picture(path) && argument != "-") table_kind(path);
  if (!is_picture(path)) return {argument == "-" ? "stdin" : path.filename().string(), nullptr, false, {}, {}};
  DataArgument data{path.filename().string(), nullptr, false, picture_bytes(path), {}};
  data.density = parse_picture(data.picture, argument, invert);
  return data;
}

DataArgument find_energy_argument(const std::string& argument) {
  std::shared_ptr<const Energy> energy;
  try {
    energy = find_energy(argument);
  } catch (const InputError& error) {
    throw UsageError("--energy: " + std::string(error.what()));
  }
  if (energy) return {.name = argument, .density = energy, .built_in = true, .picture = {}, .energy = energy};
  std::string known;
  for (const std::string& name : energy_names()) known += (known.empty() ? "" : ", ") + name;
  const std::string meant = did_you_mean(argument, energy_names());
  throw UsageError("--energy: " + in_quotes(argument) + " is no built-in energy",
                   (meant.empty() ? "" : meant + " ") + "the energies are " + known + ", and funnel:D in D dimensions");
}

std::vector<std::string> planar_columns() { return {"x", "y"}; }

std::vector<std::string> density_columns(const Density& density) {
  return density.dim() == 2 ? planar_columns() : numbered_columns(density.dim());
}

std::vector<Option> table_options() {
  return {{.name = "columns",
           .value = "A,B",
           .kind = Kind::text,
           .help = "Columns of a table to use, in this order: names, or numbers from 1.",
           .group = "Data"},
          {.name = "drop", .value = "A,B", .kind = Kind::text, .help = "Columns to leave out.", .group = "Data"},
          {.name = "names",
           .value = "A,B",
           .kind = Kind::text,
           .help = "What to call a table's columns, all of them: for arrays, which have no header.",
           .group = "Data"},
          {.name = "where",
           .value = "COND,...",
           .kind = Kind::text,
           .repeats = true,
           .help = "Use only rows that meet all conditions: kind=2, kind=rock,sand, x>=0, x=0:5 (ends included), "
                   "x!=NA; signs = != < <= > >=.",
           .group = "Data"},
          {.name = "missing",
           .value = "V,...",
           .kind = Kind::text,
           .repeats = true,
           .help = "Cells that stand for no value: -200, NA, '' (empty); rows with one are left out.",
           .group = "Data"},
          {.name = "drop-invalid", .help = "Leave out rows with a cell that is no finite number.", .group = "Data"},
          {.name = "invert", .help = "Of a picture: dark pixels are likely, not bright ones.", .group = "Data"}};
}

RowOptions row_options(const Args& args) {
  RowOptions options;
  if (args.given("columns")) options.columns = parts(args.text("columns"));
  if (args.given("drop")) options.drop = parts(args.text("drop"));
  if (args.given("names")) {
    options.names = parts(args.text("names"));
    const std::set<std::string> different(options.names.begin(), options.names.end());
    if (different.contains("") || different.size() < options.names.size() ||
        !std::all_of(different.begin(), different.end(), is_name))
      throw UsageError(
          "--names: " + in_quotes(args.text("names")) + " has a name that is empty, there twice, or no text",
          "one name a column, different from each other: --names lon,lat");
  }
  if (args.given("missing")) options.missing = parts(args.text("missing"));
  if (args.given("where")) {
    try {
      options.where = parse_conditions(args.text("where"));
    } catch (const std::invalid_argument& error) {
      throw UsageError("--where: " + std::string(error.what()),
                       "write --where kind=2, --where 'x>=0,y=0:5' or --where kind=rock,sand");
    }
  }
  options.drop_invalid = args.flag("drop-invalid");
  return options;
}

}  // namespace cnf
