// What straightening made of a flow: errors of few steps, distances of their samples, evaluations, before and after.
#pragma once

#include <string>
#include <vector>

#include "flows/certificate.hpp"
#include "flows/training/flow_task.hpp"
#include "tools/cli/json_report.hpp"
#include "tools/run/run_folder.hpp"

namespace cnf {

/// One flow: judged exactly, and by few steps.
struct Straightness {
  Validation exact;
  Certificate certificate;
  /// W2 from 1,000 samples by so many Euler steps, by the few steps and by the exact flow: to as many of the flow
  /// before, and to the validation's points.
  struct Distance {
    std::string by;
    double to_flow = 0, to_data = 0;
  };
  std::vector<Distance> distances;
};

/// `before`: the flow that is compared with. `options`: threads, and what stops it.
Straightness measure_straightness(const Cnf& model, const Cnf& before, const CheapSolver& solver,
                                  const TrainingData& data, const EvaluationOptions& options);

/// "midpoint:2".
std::string text(const CheapSolver& solver);
/// "mean error of log p 0.0098 nats, 0.3 of 999 rows in 1000, largest 1.8 of 4096 rows".
std::string text(const Certificate& certificate);
JsonReport report(const Certificate& certificate);

/// A table of both, a line each.
std::string text(const Straightness& before, const Straightness& after);
JsonReport report(const Straightness& one);

/// Puts the certificate into what the run folder keeps, where samples and log p have it as their default. Returns why
/// not, or nothing. OutputError: it cannot be written.
std::string keep_certificate(const RunFolder& run, const Certificate& certificate);

}  // namespace cnf
