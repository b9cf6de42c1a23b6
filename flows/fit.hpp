// A flow fitted to rows in one call: split, standardised, trained.
#pragma once

#include <string>
#include <vector>

#include "flows/training/flow_task.hpp"

namespace cnf {

/// How a flow is fitted; the defaults are those of `cnf train --test 0`: no row is kept for a test.
struct FitOptions {
  FieldShape field = MlpShape{};  ///< its dimension follows from the rows
  double t_data = 1;              ///< of the data; the base is at 0
  /// How long (60 seconds, unless it says `steps`), by what, and how it is validated. Precision, threads and seeds in
  /// it are not read: those below hold for all of the run.
  FlowTrainOptions training{};
  double validation = 0.1;  ///< share of the rows that choose the best weights and do not train; 0: all do both
  Precision precision = Precision::single_float;
  int threads = 0;                     ///< 0: as many as OpenMP gives; they never change the model
  Seed seed{};                         ///< of the split, the first weights, the batches and the probes
  std::vector<std::string> columns{};  ///< names of the D values, kept in the model; empty: it has none
  RunHooks hooks{};                    ///< what is told meanwhile, and what may interrupt it between steps
  StopFlag stop = nullptr;             ///< once raised, the fit ends inside a step, with the best weights so far
};

/// A flow with the density of x, in x's units.
///
/// Shapes  x: D x N, a sample a column. It is read where it lies: any memory, with one copy of the training rows.
/// Bits    with `steps`, the same model on any number of threads.
/// Errors  InputError: a value that is not finite, a constant column, one row to train on. ComputationError: no
///         validation was finite. std::invalid_argument: no row to train on, options that make no sense, or conditions,
///         which no field takes yet.
Cnf fit(const Samples<double>& x, const FitOptions& options = {});
/// The same with validation rows of their own; `options.validation` is not read.
Cnf fit(const Samples<double>& train, const Samples<double>& validation, const FitOptions& options);

}  // namespace cnf
