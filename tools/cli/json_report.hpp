// The JSON object that a verb prints under --json.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cnf {

/// Keys stay in the order they were set. A number reads back to the same bits; a NaN, an infinity or an unknown value
/// is null. Text that is no UTF-8 has its wrong bytes replaced by U+FFFD.
class JsonReport {
 public:
  JsonReport();
  JsonReport(const JsonReport& other);
  JsonReport(JsonReport&& other) noexcept;
  JsonReport& operator=(JsonReport other) noexcept;
  ~JsonReport();

  // Each throws std::invalid_argument if the key is there already.
  JsonReport& set(std::string_view key, double x);
  JsonReport& set(std::string_view key, std::int64_t x);
  JsonReport& set(std::string_view key, int x) { return set(key, static_cast<std::int64_t>(x)); }
  JsonReport& set(std::string_view key, bool x);
  JsonReport& set(std::string_view key, std::string_view x);
  JsonReport& set(std::string_view key, const char* x) { return set(key, std::string_view(x)); }
  JsonReport& set(std::string_view key, const JsonReport& x);
  JsonReport& set(std::string_view key, std::span<const double> x);
  JsonReport& set(std::string_view key, std::span<const std::int64_t> x);
  JsonReport& set(std::string_view key, const std::vector<std::string>& x);
  JsonReport& set(std::string_view key, const std::vector<JsonReport>& x);
  JsonReport& set_unknown(std::string_view key);  ///< null

  /// On one line without blanks if indent < 0. Ends with a line feed.
  std::string text(int indent = 2) const;

 private:
  struct Object;
  std::unique_ptr<Object> object_;
};

}  // namespace cnf
