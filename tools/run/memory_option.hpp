// --memory: how much a run's gradients may keep.
#pragma once

#include <cstddef>
#include <string>

#include "flows/training/flow_task.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/option.hpp"

namespace cnf {

Option memory_option();

/// "64MB", "1.5 GiB", "500000": bytes. Throws UsageError, naming what is understood.
std::size_t parse_bytes(const std::string& text);

/// Divides --memory, if it was given, among those who work at one time, and says on stderr (unless --quiet) what that
/// keeps of a solve, if the gradient plans it. Where its size could decide what fails (the interpolated gradient) a
/// share is one tile's, whatever the threads. Throws UsageError for too little. T: of the training.
template <class T>
void share_memory(FlowTrainOptions& options, const Args& args, const Cnf& model);

}  // namespace cnf
