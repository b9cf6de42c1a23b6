#include "tools/run/field_options.hpp"

#include "tools/cli/exit_code.hpp"
#include "tools/run/setting_options.hpp"

namespace cnf {

namespace {

/// The settings of all fields.
std::vector<Option> own_options() {
  std::vector<Option> options;
  for (FieldShape& shape : all_field_shapes()) add_setting_options(options, settings(shape), kModelGroup);
  return options;
}

}  // namespace

std::vector<Option> field_options() {
  Option field{.name = "field", .value = "NAME", .kind = Kind::choice};
  for (const FieldShape& shape : all_field_shapes()) {
    field.choices.emplace_back(kind(shape));
    field.help += (field.help.empty() ? "What the flow is made of: " : ", or ") + std::string(help(shape));
  }
  field.help += '.';
  field.initial = field.choices.front();
  field.group = kModelGroup;
  std::vector<Option> options = own_options();
  options.insert(options.begin(), std::move(field));
  return options;
}

std::vector<std::string> idle_field_options(const Args& args) {
  FieldShape chosen = field_from(args);
  return idle_options(own_options(), settings(chosen));
}

void check_field(const Args& args) {
  for (const std::string& option : idle_field_options(args))
    if (args.given(option)) throw UsageError("--" + option + " says nothing to --field " + args.text("field"));
}

FieldShape field_from(const Args& args) {
  FieldShape shape = *find_field_shape(args.text("field"));
  tell(settings(shape), args);
  return shape;
}

}  // namespace cnf
