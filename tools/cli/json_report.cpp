#include "tools/cli/json_report.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/utf8.hpp"

namespace cnf {

using Json = nlohmann::ordered_json;

struct JsonReport::Object {
  Json json = Json::object();

  void add(std::string_view key, Json x) {
    if (!json.emplace(std::string(key), std::move(x)).second) {
      throw std::invalid_argument("JsonReport: " + std::string(key) + " is set twice");
    }
  }
};

JsonReport::JsonReport() : object_(std::make_unique<Object>()) {}
JsonReport::JsonReport(const JsonReport& other) : object_(std::make_unique<Object>(*other.object_)) {}
JsonReport::JsonReport(JsonReport&& other) noexcept = default;
JsonReport& JsonReport::operator=(JsonReport other) noexcept {
  object_.swap(other.object_);
  return *this;
}
JsonReport::~JsonReport() = default;

JsonReport& JsonReport::set(std::string_view key, double x) {
  object_->add(key, x);  // text() writes what is not finite as null
  return *this;
}
JsonReport& JsonReport::set(std::string_view key, std::int64_t x) {
  object_->add(key, x);
  return *this;
}
JsonReport& JsonReport::set(std::string_view key, bool x) {
  object_->add(key, x);
  return *this;
}
JsonReport& JsonReport::set(std::string_view key, std::string_view x) {
  object_->add(key, std::string(x));
  return *this;
}
JsonReport& JsonReport::set(std::string_view key, const JsonReport& x) {
  object_->add(key, x.object_->json);
  return *this;
}
JsonReport& JsonReport::set(std::string_view key, std::span<const double> x) {
  object_->add(key, Json(std::vector<double>(x.begin(), x.end())));
  return *this;
}
JsonReport& JsonReport::set(std::string_view key, std::span<const std::int64_t> x) {
  object_->add(key, Json(std::vector<std::int64_t>(x.begin(), x.end())));
  return *this;
}
JsonReport& JsonReport::set(std::string_view key, const std::vector<std::string>& x) {
  object_->add(key, x);
  return *this;
}
JsonReport& JsonReport::set(std::string_view key, const std::vector<JsonReport>& x) {
  Json list = Json::array();
  for (const JsonReport& value : x) list.push_back(value.object_->json);
  object_->add(key, std::move(list));
  return *this;
}
JsonReport& JsonReport::set_unknown(std::string_view key) {
  object_->add(key, nullptr);
  return *this;
}

std::string JsonReport::text(int indent) const {
  return plain_json(object_->json.dump(indent, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace cnf
