#include "tools/run/straightness.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/number_text.hpp"
#include "flows/files/model_file.hpp"
#include "flows/judge/transport.hpp"
#include "tools/cli/output.hpp"
#include "tools/run/accuracy.hpp"

namespace cnf {

namespace {

constexpr Index kTransported = 1000;
constexpr Seed kCompared{0x73747261};  // draws of a stream that training never sees
constexpr int kEulerSteps[] = {1, 2, 4};

/// Samples of the flow, or NaN where its solves fail.
Batch samples(const Cnf& model, const EvaluationOptions& options, std::uint64_t first) {
  return Evaluator(model, options).sample(kCompared, first, kTransported, false).points;
}

double distance(const Batch& a, const Batch& b) {
  const Index n = std::min(a.cols(), b.cols());
  if (!a.allFinite() || !b.allFinite() || n == 0) return std::numeric_limits<double>::quiet_NaN();
  return wasserstein2(a.leftCols(n), b.leftCols(n));
}

std::string cell(double x) { return std::isfinite(x) ? significant(x, 2) : "-"; }

std::string line(const std::string& what, const std::string& before, const std::string& after) {
  constexpr std::size_t kSecond = 46, kThird = 60;
  return padded(padded(what, kSecond) + before, kThird) + after + '\n';
}

}  // namespace

Straightness measure_straightness(const Cnf& model, const Cnf& before, const CheapSolver& solver,
                                  const TrainingData& data, const EvaluationOptions& options) {
  Straightness found{
      .exact = validate(model, data, options), .certificate = certify(model, solver, options), .distances = {}};
  EvaluationOptions exact = options;
  exact.failing_steps = std::numeric_limits<std::int64_t>::max();
  const Batch of_flow = samples(before, exact, 0);
  const Batch& x = data.validation.x;
  const Index every = std::max<Index>(1, x.cols() / kTransported), n = std::min(kTransported, x.cols() / every);
  Batch of_data(x.rows(), n);
  for (Index i = 0; i < n; ++i) of_data.col(i) = x.col(i * every);
  const auto add = [&](const std::string& by, const EvaluationOptions& as) {
    const Batch drawn = samples(model, as, static_cast<std::uint64_t>(kTransported));
    found.distances.push_back({by, distance(drawn, of_flow), distance(drawn, of_data)});
  };
  const auto add_cheap = [&](const CheapSolver& cheap) {
    EvaluationOptions as = exact;
    cheap.apply_to(as);
    add(text(cheap), as);
  };
  for (const int steps : kEulerSteps) add_cheap({&kEuler, steps});
  add_cheap(solver);
  add("exact", exact);
  return found;
}

std::string text(const CheapSolver& solver) {
  return std::string(solver.method.name()) + ":" + std::to_string(solver.steps);
}

std::string text(const Certificate& certificate) {
  const ErrorSpread& error = certificate.log_prob;
  return text(certificate.solver) + ", " + significant(certificate.evaluations, 3) +
         " evaluations a row: error of log p " + significant(error.mean, 2) + " nats in the mean, " +
         significant(error.most, 2) + " in 999 of 1000 rows, " + significant(error.largest, 2) + " at most, of " +
         std::to_string(certificate.rows) + " rows";
}

namespace {

JsonReport spread_report(const ErrorSpread& error) {
  JsonReport report;
  return report.set("mean", error.mean).set("quantile_999", error.most).set("largest", error.largest);
}

}  // namespace

JsonReport report(const Certificate& certificate) {
  JsonReport report;
  report.set("method", certificate.solver.method.name()).set("steps", certificate.solver.steps);
  report.set("evaluations", certificate.evaluations).set("rows", static_cast<std::int64_t>(certificate.rows));
  report.set("log_prob_error", spread_report(certificate.log_prob));
  report.set("sample_log_prob_error", spread_report(certificate.sample));
  return report.set("sample_distance", spread_report(certificate.moved));
}

std::string text(const Straightness& before, const Straightness& after) {
  const Certificate &b = before.certificate, &a = after.certificate;
  const std::string few = text(a.solver);
  std::string table = line("by " + few + ", " + significant(a.evaluations, 3) + " evaluations", "before", "after");
  const auto spread = [&](const std::string& what, const ErrorSpread& one, const ErrorSpread& other) {
    table += line(what + ", mean", cell(one.mean), cell(other.mean));
    table += line("  99.9 %", cell(one.most), cell(other.most));
    table += line("  largest", cell(one.largest), cell(other.largest));
  };
  spread("error of log p, nats", b.log_prob, a.log_prob);
  spread("error of a sample's log p, nats", b.sample, a.sample);
  spread("distance from the exact sample", b.moved, a.moved);
  for (std::size_t i = 0; i < after.distances.size(); ++i) {
    const auto &was = before.distances[i], &is = after.distances[i];
    table += line("W2 by " + is.by + ", to the flow before", cell(was.to_flow), cell(is.to_flow));
    table += line("  to the data", cell(was.to_data), cell(is.to_data));
  }
  table += line("NLL, exact, nats", decimals(before.exact.nll, 4), decimals(after.exact.nll, 4));
  if (!std::isnan(after.exact.kl))
    table += line("KL, exact, nats", decimals(before.exact.kl, 4), decimals(after.exact.kl, 4));
  return table +
         line("evaluations of an exact log p", significant(before.exact.nfe, 3), significant(after.exact.nfe, 3));
}

JsonReport report(const Straightness& one) {
  JsonReport report;
  report.set("nll", one.exact.nll).set("kl", one.exact.kl).set("nfe", one.exact.nfe);
  report.set("certificate", cnf::report(one.certificate));
  std::vector<JsonReport> distances;
  for (const Straightness::Distance& each : one.distances) {
    JsonReport distance;
    distances.push_back(distance.set("by", each.by).set("to_flow", each.to_flow).set("to_data", each.to_data));
  }
  return report.set("w2", distances);
}

std::string keep_certificate(const RunFolder& run, const Certificate& certificate) {
  if (!certificate.finite()) return "few steps do not solve it, so they are not its default";
  const ModelFile file = read_model(run.model());
  KeptEvaluations kept = kept_evaluations(run.evaluation(), file.model, file.digest);
  kept.certificate = certificate;
  keep_evaluations(run.evaluation(), kept);
  return "";
}

}  // namespace cnf
