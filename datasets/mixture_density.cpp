#include "datasets/mixture_density.hpp"

#include <charconv>
#include <cmath>

#include "base/error.hpp"

namespace cnf {

namespace {

constexpr Seed kDefinition{0x6d697874757265};  // "mixture": what the set is must not depend on a run's seed
constexpr Index kMost = 64, kComponents = 8;

}  // namespace

MixtureDensity::MixtureDensity(Index D, Index K) {
  mixture_.weights = Vector<double>::Constant(K, 1.0 / static_cast<double>(K));
  mixture_.means.resize(D, K);
  for (Index k = 0; k < K; ++k) {
    const auto component = static_cast<std::uint64_t>(k);
    Matrix<double> L = Matrix<double>::Zero(D, D);
    for (Index i = 0; i < D; ++i) {
      const auto at = static_cast<std::uint32_t>(i * D);
      mixture_.means(i, k) = 2 * normal(kDefinition, Purpose::data, 0, component, static_cast<std::uint32_t>(i));
      for (Index j = 0; j < i; ++j)
        L(i, j) = 0.2 * normal(kDefinition, Purpose::data, 1, component, at + static_cast<std::uint32_t>(j));
      L(i, i) = 0.3 + 0.4 * uniform(kDefinition, Purpose::data, 2, component, static_cast<std::uint32_t>(i));
    }
    mixture_.scales.push_back(L);
  }
  constexpr Index kDraws = Index{1} << 15;
  const Vector<double> nll = -log_prob(sample(kDefinition, Purpose::data, 3, 0, kDraws));
  entropy_ = nll.mean();
  entropy_error_ = std::sqrt((nll.array() - entropy_).square().mean() / static_cast<double>(kDraws));
}

std::string MixtureDensity::name() const {
  return "mixture:" + std::to_string(dim()) + ":" + std::to_string(mixture_.components());
}

std::shared_ptr<const MixtureDensity> find_mixture(const std::string& name) {
  constexpr std::string_view kPrefix = "mixture:";
  if (!name.starts_with(kPrefix)) return nullptr;
  Index numbers[2] = {0, kComponents};
  const char *at = name.data() + kPrefix.size(), *end = name.data() + name.size();
  bool sound = true;
  for (int i = 0; i < 2 && sound && (i == 0 || at != end); ++i) {
    if (i == 1) sound = *at++ == ':';
    const auto [next, error] = std::from_chars(at, end, numbers[i]);
    sound = sound && error == std::errc() && numbers[i] >= 1 && numbers[i] <= kMost;
    at = next;
  }
  if (!sound || at != end)
    throw InputError("'" + name + "' is not a mixture; expected mixture:D or mixture:D:K, D and K from 1 to 64");
  return std::make_shared<MixtureDensity>(numbers[0], numbers[1]);
}

}  // namespace cnf
