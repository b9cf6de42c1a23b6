// evaluation.json: {"format": 1, "model": DIGEST, "trained_for": NATS, "evaluations": [...], "certificate": {...}}.
// It can be measured again at any time, so whatever is wrong with it is as if it were not there; but nothing in it is
// used that is not sound.
#include <nlohmann/json.hpp>

#include "base/byte_source.hpp"
#include "base/file_writer.hpp"
#include "tools/run/accuracy.hpp"

namespace cnf {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr std::uint64_t kMostBytes = 1 << 20;
constexpr std::size_t kMostKept = 64;

Json json(const MeasuredEvaluation& one) {
  Json json{{"accuracy", one.accuracy},         {"way", one.way == Way::to_base ? "to base" : "to data"},
            {"precision", name(one.precision)}, {"method", one.method.name()},
            {"tolerance", one.tolerance},       {"error", one.error},
            {"evaluations", one.evaluations},   {"rows", one.rows}};
  if (!one.frozen) return json;
  json["limit"] = one.frozen->limit;
  json["grids"] = Json::array();
  for (const FrozenGrid& grid : one.frozen->grids)
    json["grids"].push_back({{"order", grid.order}, {"lead", grid.lead}, {"fractions", grid.fractions}});
  return json;
}

/// Throws an exception of some kind for what is not sound.
MeasuredEvaluation measured(const Json& json, const Cnf& model) {
  MeasuredEvaluation one;
  one.accuracy = json.at("accuracy").get<double>();
  one.way = json.at("way").get<std::string>() == "to base" ? Way::to_base : Way::to_data;
  one.precision = json.at("precision").get<std::string>() == name(Precision::double_float) ? Precision::double_float
                                                                                           : Precision::single_float;
  one.method = find_method(json.at("method").get<std::string>()).value();
  one.tolerance = json.at("tolerance").get<double>();
  one.error = json.at("error").get<double>();
  one.evaluations = json.at("evaluations").get<double>();
  one.rows = json.at("rows").get<Index>();
  if (json.contains("grids")) {
    FrozenFlow frozen{.way = one.way, .grids = {}, .limit = json.at("limit").get<double>()};
    for (const Json& grid : json.at("grids"))
      frozen.grids.push_back({grid.at("order").get<int>(), grid.at("lead").get<double>(),
                              grid.at("fractions").get<std::vector<double>>()});
    check(frozen, model);
    one.frozen = std::move(frozen);
  }
  EvaluationOptions options;
  one.apply_to(options);
  check(options.solve);
  return one;
}

Json json(const ErrorSpread& error) {
  return {{"mean", error.mean}, {"quantile_999", error.most}, {"largest", error.largest}};
}

ErrorSpread spread(const Json& json) {
  ErrorSpread error;
  error.mean = json.at("mean").get<double>();
  error.most = json.at("quantile_999").get<double>();
  error.largest = json.at("largest").get<double>();
  return error;
}

Json json(const Certificate& one) {
  return {{"method", one.solver.method.name()},
          {"steps", one.solver.steps},
          {"evaluations", one.evaluations},
          {"rows", one.rows},
          {"log_prob", json(one.log_prob)},
          {"sample", json(one.sample)},
          {"moved", json(one.moved)}};
}

/// As measured().
Certificate certificate(const Json& json) {
  Certificate one;
  one.solver = {find_method(json.at("method").get<std::string>()).value(), json.at("steps").get<int>()};
  one.evaluations = json.at("evaluations").get<double>();
  one.rows = json.at("rows").get<Index>();
  one.log_prob = spread(json.at("log_prob"));
  one.sample = spread(json.at("sample"));
  one.moved = spread(json.at("moved"));
  EvaluationOptions options;
  one.solver.apply_to(options);
  check(options.solve);
  return one;
}

}  // namespace

const MeasuredEvaluation* KeptEvaluations::find(double accuracy, Way way, std::optional<Precision> precision) const {
  for (const MeasuredEvaluation& one : found)
    if (one.accuracy == accuracy && one.way == way && (!precision || one.precision == *precision)) return &one;
  return nullptr;
}

KeptEvaluations kept_evaluations(const std::filesystem::path& path, const Cnf& model, const std::string& digest) {
  KeptEvaluations kept{.model = digest, .found = {}, .trained_for = {}, .certificate = {}, .ignored = {}};
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return kept;
  KeptEvaluations read = kept;
  try {
    const std::vector<std::byte> bytes = ByteSource(path).read_up_to(kMostBytes);
    const auto* const text = reinterpret_cast<const char*>(bytes.data());
    const Json json = Json::parse(text, text + bytes.size());
    if (json.at("format").get<int>() != kFormat) kept.ignored = "of another format";
    if (json.at("model").get<std::string>() != digest) kept.ignored = "of another model than the one beside it";
    if (!kept.ignored.empty()) return kept;
    for (const Json& one : json.at("evaluations"))
      if (read.found.size() < kMostKept) read.found.push_back(measured(one, model));
    if (json.contains("certificate")) read.certificate = certificate(json.at("certificate"));
    if (json.contains("trained_for")) read.trained_for = json.at("trained_for").get<double>();
  } catch (const std::exception&) {
    kept.ignored = "damaged";
    return kept;
  }
  return read;
}

void keep_evaluations(const std::filesystem::path& path, const KeptEvaluations& kept) {
  Json out{{"format", kFormat}, {"model", kept.model}};
  if (kept.trained_for) out["trained_for"] = *kept.trained_for;
  out["evaluations"] = Json::array();
  for (const MeasuredEvaluation& one : kept.found) out["evaluations"].push_back(json(one));
  if (kept.certificate) out["certificate"] = json(*kept.certificate);
  write_file(path, out.dump(1) + '\n', Links::replace);
}

}  // namespace cnf
