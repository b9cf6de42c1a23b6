#include "tools/run/setting_options.hpp"

#include <algorithm>

namespace cnf {

namespace {

std::string option_name(const Setting& setting) {
  std::string name(setting.name);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
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
  void operator()(const Setting::Real& of) {
    option.value = "X";
    option.kind = Kind::real;
    option.initial = shortest(*of.value);
    option.range = Range::closed(of.least, of.most);
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
  void operator()(const Setting::Real& of) const { *of.value = args.real(name); }
  void operator()(const Setting::Flag& of) const { *of.value = args.flag(name); }
  void operator()(const Setting::Choice& of) const { of.set(args.text(name)); }
};

}  // namespace

void add_setting_options(std::vector<Option>& options, const std::vector<Setting>& settings, const std::string& group) {
  for (const Setting& setting : settings) {
    const std::string name = option_name(setting);
    if (setting.from_data ||
        std::any_of(options.begin(), options.end(), [&](const Option& option) { return option.name == name; }))
      continue;
    Asked one{{.name = name, .help = std::string(setting.help), .group = group}};
    std::visit(one, setting.value);
    options.push_back(std::move(one.option));
  }
}

std::vector<std::string> idle_options(const std::vector<Option>& options, const std::vector<Setting>& settings) {
  std::vector<std::string> idle;
  for (const Option& option : options)
    if (std::none_of(settings.begin(), settings.end(),
                     [&](const Setting& setting) { return !setting.from_data && option_name(setting) == option.name; }))
      idle.push_back(option.name);
  return idle;
}

void tell(const std::vector<Setting>& settings, const Args& args) {
  for (const Setting& setting : settings)
    if (const std::string name = option_name(setting); !setting.from_data && args.given(name))
      std::visit(Told{args, name}, setting.value);
}

}  // namespace cnf
