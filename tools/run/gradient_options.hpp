// What a gradient may keep, and how the adjoint equation is solved: --memory, --adjoint-rtol, --adjoint-norm.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "flows/training/flow_task.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/option.hpp"

namespace cnf {

Option memory_option(const std::string& group, const std::string& help);
/// --memory, --adjoint-rtol and --adjoint-norm of a training run.
std::vector<Option> gradient_options();

/// "64MB", "1.5 GiB", "500000": bytes. Throws UsageError, naming what is understood.
std::size_t parse_bytes(const std::string& text);

/// Throws UsageError for a --solver that the gradient cannot serve, naming those that can.
void check_method(const Args& args, GradientMode gradient);
/// The same, and for an option above that says nothing to it.
void check_gradient_options(const Args& args, GradientMode gradient);
/// Sets how the adjoint equation is solved: as the flow is, but for what the options above say.
void tell_adjoint(FlowOptions& flow, const Args& args);

/// Divides --memory, if it was given, among those who work at one time, says on stderr (unless --quiet) what that keeps
/// of a solve, and returns it; else "". It is reserved, so that a run's memory does not grow with its solves. Where its
/// size could decide what fails (the interpolated gradient) a share is one tile's, whatever the threads, and none is
/// reserved. Throws UsageError for too little. T: of the training.
template <class T>
std::string share_memory(FlowTrainOptions& options, const Args& args, const Cnf& model);

}  // namespace cnf
