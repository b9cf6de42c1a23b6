// --field and the settings of every field, as options of the command line; and the shape that they describe.
#pragma once

#include <string>
#include <vector>

#include "flows/fields/field_shape.hpp"
#include "tools/cli/args.hpp"

namespace cnf {

/// --field, then one option for each setting of each field: a setting that several fields have stands once.
std::vector<Option> field_options();
/// Names of the options above that say nothing to the field chosen.
std::vector<std::string> idle_field_options(const Args& args);
/// Throws UsageError for one of these that was given.
void check_field(const Args& args);
/// The field chosen, over a dimension still to be set.
FieldShape field_from(const Args& args);

}  // namespace cnf
