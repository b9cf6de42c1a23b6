#include "flows/files/shape_json.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/number_text.hpp"

namespace cnf {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Setting::Whole& setting) { return *setting.value; }
Json json_of(const Setting::Wholes& setting) { return *setting.values; }
Json json_of(const Setting::Real& setting) { return *setting.value; }
Json json_of(const Setting::Flag& setting) { return *setting.value; }
Json json_of(const Setting::Choice& setting) { return std::string(setting.get()); }

/// Reads one setting, whatever its kind.
struct Reader {
  const Json& json;
  const Setting& setting;
  const std::string& where;

  void operator()(const Setting::Whole& of) const { *of.value = whole(json, of.least, of.most); }
  void operator()(const Setting::Wholes& of) const {
    of.values->clear();
    if (json.empty() || json.size() > of.most_count)
      throw InputError(where + ": " + std::string(setting.name) + " has " + std::to_string(json.size()) +
                       " numbers, expected 1 to " + std::to_string(of.most_count));
    for (const Json& number : json) of.values->push_back(whole(number, of.least, of.most));
  }
  void operator()(const Setting::Real& of) const {
    const auto value = json.get<double>();
    if (!(value >= of.least && value <= of.most))
      throw InputError(where + ": " + std::string(setting.name) + " is " + json.dump() + ", expected " +
                       shortest(of.least) + " to " + shortest(of.most));
    *of.value = value;
  }
  void operator()(const Setting::Flag& of) const { *of.value = json.get<bool>(); }
  void operator()(const Setting::Choice& of) const {
    const auto text = json.get<std::string>();
    if (std::find(of.names.begin(), of.names.end(), text) != of.names.end()) return of.set(text);
    std::string known;
    for (const std::string_view name : of.names) known += (known.empty() ? "" : ", ") + std::string(name);
    throw InputError(where + ": '" + text + "' is not known to this build; expected one of " + known);
  }

 private:
  Index whole(const Json& number, Index least, Index most) const {
    if (!number.is_number_integer()) throw InputError(where + ": " + number.dump() + " is not a whole number");
    const Index value = number.get<Index>();
    if (value < least || value > most)  // one beyond 2^63 is negative here
      throw InputError(where + ": " + std::string(setting.name) + " is " + number.dump() + ", expected " +
                       std::to_string(least) + " to " + std::to_string(most));
    return value;
  }
};

}  // namespace

Json shape_json(const FieldShape& shape) {
  Json json{{"kind", kind(shape)}};
  FieldShape copy = shape;
  for (const Setting& setting : settings(copy))
    json[std::string(setting.name)] = std::visit([](const auto& of) { return json_of(of); }, setting.value);
  return json;
}

FieldShape shape_from(const Json& json, const std::string& where) {
  const Json& named = json.at("kind");
  std::optional<FieldShape> shape;
  if (named.is_string()) shape = find_field_shape(named.get<std::string>());
  if (!shape) {
    std::string known;
    for (const FieldShape& one : all_field_shapes())
      known += (known.empty() ? "\"" : ", \"") + std::string(kind(one)) + '"';
    throw InputError(where + ": field kind " + named.dump() + ", expected " + known);
  }
  for (const Setting& setting : settings(*shape))
    std::visit(Reader{json.at(std::string(setting.name)), setting, where}, setting.value);
  return *shape;
}

}  // namespace cnf
