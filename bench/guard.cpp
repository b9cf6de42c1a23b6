#include "bench/guard.hpp"

#include <cpuid.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "bench/peak.hpp"

namespace cnf::bench {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kMostLost = 0.25;
constexpr int kAttempts = 3;

/// Vendor and family: "AuthenticAMD 26".
std::string processor() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0, &a, &b, &c, &d) == 0) return "unknown";
  char vendor[13] = {};
  std::memcpy(vendor, &b, 4);
  std::memcpy(vendor + 4, &d, 4);
  std::memcpy(vendor + 8, &c, 4);
  __get_cpuid(1, &a, &b, &c, &d);
  const unsigned family = (a >> 8) & 15;
  return std::string(vendor) + " " + std::to_string(family == 15 ? family + ((a >> 20) & 255) : family);
}

Effort effort(int times) {
  return {.blocks = 40 * times, .least_blocks = 5, .block_seconds = 0.01, .total_seconds = 0.8 * times};
}

Json read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw InputError(file.string() + ": cannot be opened");
  try {
    return Json::parse(in);
  } catch (const nlohmann::json::exception& error) {
    throw InputError(file.string() + ": " + error.what());
  }
}

/// The fraction to hold a workload to; 0: none is recorded.
double expected(const Json& recorded, const std::string& name) {
  const auto set = recorded.find(instruction_set());
  if (set == recorded.end()) return 0;
  const std::string own = processor();
  if (set->contains(own)) return (*set)[own].value(name, 0.0);
  double lowest = 0;
  for (const auto& other : *set)
    if (const double fraction = other.value(name, 0.0); lowest == 0 || (fraction > 0 && fraction < lowest))
      lowest = fraction;
  return lowest;
}

}  // namespace

bool guard(const std::vector<Workload>& workloads, const std::filesystem::path& file) {
  const Json recorded = read(file);
  std::printf("%s, %s\n", instruction_set(), processor().c_str());
  if (!recorded.contains(instruction_set())) {
    std::printf("no fraction of peak is recorded for this instruction set in %s: nothing to compare with\n",
                file.c_str());
    return true;
  }
  bool sound = true;
  for (const Workload& workload : workloads) {
    double fraction = 0;
    const double least = (1 - kMostLost) * expected(recorded, workload.name);
    if (least == 0) {
      std::printf("%-16s is not recorded: ./dev bench --record\n", workload.name.c_str());
      sound = false;
      continue;
    }
    for (int attempt = 0; attempt < kAttempts && (attempt == 0 || fraction < least); ++attempt)
      fraction = std::max(fraction, measure(workload, 1, effort(1)).best_fraction);
    std::printf("%-16s %5.1f%% of peak, least %5.1f%%: %s\n", workload.name.c_str(), 100 * fraction, 100 * least,
                fraction < least ? "FAILED" : "ok");
    std::fflush(stdout);
    sound = sound && fraction >= least;
  }
  if (!sound) std::printf("slower than recorded, or not recorded; if that is meant: ./dev bench --record\n");
  return sound;
}

void record(const std::vector<Workload>& workloads, const std::filesystem::path& file) {
  Json recorded = std::filesystem::exists(file) ? read(file) : Json::object();
  Json& own = recorded[instruction_set()][processor()];
  own = Json::object();
  for (const Workload& workload : workloads) {
    const double fraction = measure(workload, 1, effort(3)).best_fraction;
    own[workload.name] = std::round(1000 * fraction) / 1000;
    std::printf("%-16s %5.1f%% of peak\n", workload.name.c_str(), 100 * fraction);
    std::fflush(stdout);
  }
  write_file(file, recorded.dump(1) + "\n");
}

}  // namespace cnf::bench
