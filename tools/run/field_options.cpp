#include "tools/run/field_options.hpp"

#include <algorithm>

#include "tools/cli/exit_code.hpp"

namespace cnf {

namespace {

std::string option_name(const Setting& setting) {
  std::string name(setting.name);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::vector<Setting> asked(FieldShape& shape) {
  std::vector<Setting> all = settings(shape);
  std::erase_if(all, [](const Setting& setting) { return setting.from_data; });
  return all;
}

/// How each kind of setting is asked for; its value is the default.
struct Asked {
  Option option;

  void operator()(const Setting::Whole& of) {
    option.value = "N";
    option.kind = Kind::integer;
    option.initial = std::to_string(*of.value);
    option.range = Range::whole(of.least, of.most);
  }
  void operator()(const Setting::Wholes& of) {
    option.value = "N,N";
    option.kind = Kind::integers;
    for (const Index number : *of.values)
      option.initial += (option.initial.empty() ? "" : ",") + std::to_string(number);
    option.range = Range::whole(of.least, of.most);
    option.max_count = of.most_count;
  }
  void operator()(const Setting::Flag&) {}  // false by default: setting.hpp
  void operator()(const Setting::Choice& of) {
    option.value = "NAME";
    option.kind = Kind::choice;
    option.initial = std::string(of.get());
    option.choices.assign(of.names.begin(), of.names.end());
  }
};

/// How each kind of setting is told.
struct Told {
  const Args& args;
  std::string name;

  void operator()(const Setting::Whole& of) const { *of.value = args.integer(name); }
  void operator()(const Setting::Wholes& of) const {
    of.values->assign(args.list(name).begin(), args.list(name).end());
  }
  void operator()(const Setting::Flag& of) const { *of.value = args.flag(name); }
  void operator()(const Setting::Choice& of) const { of.set(args.text(name)); }
};

}  // namespace

std::vector<Option> field_options() {
  std::vector<FieldShape> shapes = all_field_shapes();
  Option field{.name = "field", .value = "NAME", .kind = Kind::choice, .initial = std::string(kind(shapes.front()))};
  field.group = "Model";
  std::vector<Option> options;
  for (FieldShape& shape : shapes) {
    field.choices.emplace_back(kind(shape));
    field.help += (field.help.empty() ? "What the flow is made of: " : ", or ") + std::string(help(shape));
    for (const Setting& setting : asked(shape)) {
      Asked one{{.name = option_name(setting), .help = std::string(setting.help), .group = "Model"}};
      std::visit(one, setting.value);
      const bool known = std::any_of(options.begin(), options.end(),
                                     [&](const Option& option) { return option.name == one.option.name; });
      if (!known) options.push_back(std::move(one.option));
    }
  }
  field.help += '.';
  options.insert(options.begin(), std::move(field));
  return options;
}

std::vector<std::string> idle_field_options(const Args& args) {
  std::vector<std::string> idle;
  FieldShape chosen = field_from(args);
  const std::vector<Setting> own = asked(chosen);
  for (const Option& option : field_options())
    if (option.name != "field" && std::none_of(own.begin(), own.end(), [&](const Setting& setting) {
          return option_name(setting) == option.name;
        }))
      idle.push_back(option.name);
  return idle;
}

void check_field(const Args& args) {
  for (const std::string& option : idle_field_options(args))
    if (args.given(option)) throw UsageError("--" + option + " says nothing to --field " + args.text("field"));
}

FieldShape field_from(const Args& args) {
  FieldShape shape = *find_field_shape(args.text("field"));
  // What was not given stays the shape's own: two fields may share a setting and differ in its default.
  for (const Setting& setting : asked(shape))
    if (args.given(option_name(setting))) std::visit(Told{args, option_name(setting)}, setting.value);
  return shape;
}

}  // namespace cnf
