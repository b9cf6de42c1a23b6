#include "tools/verbs/flow/verdict.hpp"

#include <algorithm>
#include <cmath>

#include "base/number_text.hpp"

namespace cnf {

namespace {

std::string rows_text(std::int64_t n) { return std::to_string(n) + (n == 1 ? " row" : " rows"); }

/// Of densities whose difference no number says: one, or all, have no density at some row.
std::string without_density(const Comparison& comparison, Index best, const Compared& first) {
  const std::int64_t none = comparison.without_density(best);
  return none == 0 ? first.called + " is the only one with a density at every row"
                   : "no density is above 0 at every row: " + first.called + " is 0 at " + rows_text(none);
}

}  // namespace

Verdict judge(const Comparison& comparison, std::span<const Compared> densities) {
  std::vector<int> complexity;
  for (const Compared& density : densities) complexity.push_back(density.complexity);
  return judge(comparison, complexity);
}

std::string text(const Comparison& comparison, const Verdict& verdict, std::span<const Compared> densities) {
  const auto of = [&](Index k) -> const Compared& { return densities[static_cast<std::size_t>(k)]; };
  const Index best = verdict.best, rival = verdict.rival, take = verdict.recommended;
  if (comparison.rows() < 2) return "nothing is shown by " + rows_text(comparison.rows());
  if (rival < 0) return of(best).called + " stands alone";
  const PairedDifference ahead = comparison.difference(best, rival);
  if (!std::isfinite(ahead.mean)) return without_density(comparison, best, of(best));
  if (verdict.level[static_cast<std::size_t>(rival)] == 0)
    return of(best).called + " is better than " + of(rival).called +
           (densities.size() > 2 ? ", the next best, by " : " by ") + size_text(ahead) + " nats";
  const Index other = take == best ? rival : best;
  const PairedDifference apart = comparison.difference(take, other);
  if (apart.mean == 0 && apart.half_width == 0)
    return of(take).called + " and " + of(other).called + " are the same at every row";
  const std::string by = " (" + size_text(apart) + " nats behind)", rows = rows_text(comparison.rows());
  if (take == best)
    return of(take).called + " is best, though " + rows + " do not set it apart from " + of(other).called + by;
  return of(take).called + " is as good here as " + of(other).called + ", as far as " + rows + " show" + by +
         ": take the simpler";
}

JsonReport report(const Comparison& comparison, const Verdict& verdict, std::span<const Compared> densities) {
  const auto name = [&](Index k) { return std::string_view(densities[static_cast<std::size_t>(k)].name); };
  JsonReport report;
  return report.set("best", name(verdict.best))
      .set("recommended", name(verdict.recommended))
      .set("text", std::string_view(text(comparison, verdict, densities)));
}

std::string size_text(const PairedDifference& difference) {
  const double half = difference.half_width;
  const int digits = half > 0 ? std::clamp(1 - static_cast<int>(std::floor(std::log10(half))), 1, 9) : 4;
  return shown(std::abs(difference.mean), digits) + " ± " + shown(half, digits);
}

std::string shown(double x, int digits) {
  if (std::isnan(x)) return "unknown";
  if (std::isinf(x)) return "infinite";
  return std::abs(x) < 1e40 ? decimals(x, digits) : shortest(x);
}

std::string with_error(double x, double error) { return shown(x, 4) + (std::isinf(x) ? "" : " ± " + shown(error, 4)); }

}  // namespace cnf
