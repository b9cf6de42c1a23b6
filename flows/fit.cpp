#include "flows/fit.hpp"

#include <cmath>
#include <stdexcept>

#include "base/error.hpp"
#include "base/number_text.hpp"
#include "base/split.hpp"

namespace cnf {

namespace {

void expect_finite(const Samples<double>& rows, const char* what) {
  for (Index j = 0; j < rows.size(); ++j)
    for (Index i = 0; i < rows.x.rows(); ++i)
      if (!std::isfinite(rows.x(i, j)))
        throw InputError(std::string("fit: ") + what + " " + std::to_string(j) + ", value " + std::to_string(i) +
                             ", is " + shortest(rows.x(i, j)) + ", expected a finite number (both counted from 0)",
                         "leave the row out");
}

/// Of rows that are finite.
Cnf fitted(const Samples<double>& train, const Samples<double>& validation, const FitOptions& options) {
  const auto names = std::ssize(options.columns);
  if (names != 0 && names != train.x.rows())
    throw std::invalid_argument("fit: " + std::to_string(names) + " column names for " +
                                std::to_string(train.x.rows()) + " dimensions; samples are columns, is x transposed?");
  Cnf start = start_flow(options.field, Standardisation::identity(train.x.rows()), options.seed, options.t_data,
                         options.columns);
  expect_samples("fit", start, train.x.rows(), train.given.rows());
  start.standardisation = fit_standardisation(train.x, options.columns, "fit");
  FlowTrainOptions training = options.training;
  set_shared(training, options.precision, options.threads, options.seed, options.stop);
  return cnf::train(start, training_rows(train, validation, options.seed), training, options.hooks);
}

}  // namespace

Cnf fit(const Samples<double>& train, const Samples<double>& validation, const FitOptions& options) {
  expect_finite(train, "training row");
  expect_finite(validation, "validation row");
  return fitted(train, validation, options);
}

Cnf fit(const Samples<double>& x, const FitOptions& options) {
  if (!(options.validation >= 0 && options.validation < 1))
    throw std::invalid_argument("fit: validation is " + shortest(options.validation) +
                                ", expected a share of the rows from 0 to below 1");
  if (x.size() < 1) throw std::invalid_argument("fit: there are no rows; samples are columns");
  expect_finite(x, "row");
  const Split split = split_rows(x.size(), {1 - options.validation, options.validation, 0}, options.seed);
  const SampleBatch train{take(x.x, split.train), take(x.given, split.train)};
  const SampleBatch validation{take(x.x, split.validation), take(x.given, split.validation)};
  return fitted(train, validation, options);
}

}  // namespace cnf
