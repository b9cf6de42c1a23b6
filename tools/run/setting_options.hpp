// Settings (flows/setting.hpp) as options of the command line: what a field or an objective can be told.
#pragma once

#include <string>
#include <vector>

#include "flows/setting.hpp"
#include "tools/cli/args.hpp"

namespace cnf {

/// Headings of the help.
inline constexpr const char *kModelGroup = "Model", *kTrainingGroup = "Training";

/// Adds an option for each setting of one thing, what it is now as the default. Of settings that follow from the data
/// none is made; one that another thing has too stands once.
void add_setting_options(std::vector<Option>& options, const std::vector<Setting>& settings, const std::string& group);

/// Those of `options` that ask for none of these settings, by name.
std::vector<std::string> idle_options(const std::vector<Option>& options, const std::vector<Setting>& settings);

/// Tells each setting what was given. What was not given stays: two things may share a setting and differ in its
/// default.
void tell(const std::vector<Setting>& settings, const Args& args);

}  // namespace cnf
