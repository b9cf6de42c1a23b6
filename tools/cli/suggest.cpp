#include "tools/cli/suggest.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace cnf {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// Words that people bring from elsewhere, lower case and with dashes, and ours.
struct Synonym {
  std::string_view word, ours;
};
constexpr std::array kSynonyms{
    Synonym{"fit", "train"},
    Synonym{"learn", "train"},
    Synonym{"predict", "logprob"},
    Synonym{"score", "logprob"},
    Synonym{"likelihood", "logprob"},
    Synonym{"generate", "sample"},
    Synonym{"plot", "density"},
    Synonym{"heatmap", "density"},
    Synonym{"test", "evaluate"},
    Synonym{"transform", "encode"},
    Synonym{"inspect", "info"},
    Synonym{"show", "info"},
    Synonym{"check-grad", "gradcheck"},
    Synonym{"epochs", "steps"},
    Synonym{"iterations", "steps"},
    Synonym{"iters", "steps"},
    Synonym{"max-iter", "steps"},
    Synonym{"learning-rate", "lr"},
    Synonym{"batch-size", "batch"},
    Synonym{"hidden-units", "hidden"},
    Synonym{"hidden-sizes", "hidden"},
    Synonym{"layers", "hidden"},
    Synonym{"width", "hidden"},
    Synonym{"loss", "objective"},
    Synonym{"method", "solver"},
    Synonym{"tol", "rtol"},
    Synonym{"tolerance", "rtol"},
    Synonym{"random-state", "seed"},
    Synonym{"device", "threads"},
    Synonym{"jobs", "threads"},
    Synonym{"n-jobs", "threads"},
    Synonym{"num-workers", "threads"},
    Synonym{"n-samples", "num"},
    Synonym{"num-samples", "num"},
    Synonym{"samples", "num"},
    Synonym{"out-dir", "output"},
    Synonym{"input", "data"},
    Synonym{"dataset", "data"},
    Synonym{"overwrite", "force"},
    Synonym{"gelu", "silu"},
    Synonym{"swish", "silu"},
    Synonym{"sine", "sin"},
    Synonym{"rk45", "dopri5"},
    Synonym{"ode45", "dopri5"},
    Synonym{"dop853", "dopri8"},
    Synonym{"float32", "float"},
    Synonym{"fp32", "float"},
    Synonym{"float64", "double"},
    Synonym{"fp64", "double"},
    Synonym{"mle", "likelihood"},
    Synonym{"nll", "likelihood"},
    Synonym{"cfm", "flow-matching"},
};

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  const std::size_t n = b.size();
  std::vector<int> two_above(n + 1), above(n + 1), row(n + 1);
  for (std::size_t j = 0; j <= n; ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    two_above.swap(above);
    above.swap(row);
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= n; ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
  }
  return row[n];
}

std::string closest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongest = 64;  // no name of ours is longer, and a pasted file is not compared
  if (word.empty() || word.size() > kLongest) return {};
  const std::string typed = lower(word);
  for (const auto& [theirs, ours] : kSynonyms)
    if (theirs == typed && std::find(candidates.begin(), candidates.end(), ours) != candidates.end())
      return std::string(ours);
  // Half of the length: "xy" is two edits from every name of two letters.
  int best = std::min(2, static_cast<int>(typed.size()) / 2) + 1;
  std::string found;
  std::vector<std::string> begun;
  for (const std::string& name : candidates) {
    const int distance = edit_distance(typed, lower(name));
    if (distance < best) {
      best = distance;
      found = name;
    }
    if (typed.size() >= 3 && lower(name).starts_with(typed)) begun.push_back(name);
  }
  return found.empty() && begun.size() == 1 ? begun.front() : found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates, std::string_view prefix) {
  const std::string name = closest(word, candidates);
  return name.empty() ? std::string() : "did you mean " + std::string(prefix) + name + "?";
}

}  // namespace cnf
