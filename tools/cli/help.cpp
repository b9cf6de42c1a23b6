#include "tools/cli/help.hpp"

#include <algorithm>

#include "base/utf8.hpp"
#include "tools/cli/args.hpp"

namespace cnf {
namespace {

/// `text` behind `head` in a column of its own that begins at `indent`; a longer head has a line to itself.
std::string two_columns(const std::string& head, std::string_view text, std::size_t indent, std::size_t width) {
  std::string out = head;
  std::size_t column = character_count(head);
  const auto new_line = [&] {
    out += "\n" + std::string(indent, ' ');
    column = indent;
  };
  if (column >= indent) {
    new_line();
  } else {
    out += std::string(indent - column, ' ');
    column = indent;
  }
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (column > indent) {
      if (column + 1 + character_count(word) > width) {
        new_line();
      } else {
        out += ' ';
        ++column;
      }
    }
    for (const char c : word) out += c == kGlue ? ' ' : c;
    column += character_count(word);
  }
  return out + "\n";
}

/// "[1 to 100; default 5]", what the table knows beyond the help text.
std::string facts(const Option& option) {
  std::string text;
  const auto add = [&](const std::string& fact) {
    if (!fact.empty()) text += (text.empty() ? "" : "; ") + fact;
  };
  const bool list = option.kind == Kind::integers || option.kind == Kind::reals;
  const bool counted = list && (option.min_count > 1 || option.max_count < 64);
  std::string range = expected(option);
  if (option.kind == Kind::integer || option.kind == Kind::real || (list && !counted)) {
    // The value's name in the left column says that it is a number.
    for (const char* noun : {"a whole number", "a number", "whole numbers", "numbers"}) {
      if (!range.starts_with(noun)) continue;
      range.erase(0, std::string(noun).size());
      break;
    }
    while (range.starts_with(' ')) range.erase(0, 1);
    if (range.starts_with("from ")) range.erase(0, 5);
    if (range.starts_with("of ")) range.erase(0, 3);
    if (range.starts_with(", ")) range.erase(0, 2);
    add(range);
  } else if (counted) {
    add(range);
  } else if (option.kind == Kind::choice) {
    add(!option.notes.empty() ? "one of the list below" : range.starts_with("one of ") ? range.substr(7) : range);
  }
  if (!option.initial.empty()) add(std::string("default") + kGlue + option.initial);
  if (option.required) add("required");
  return text.empty() ? "" : " [" + text + "]";
}

std::string left_column(const Option& option) {
  std::string text = option.letter ? std::string("-") + option.letter + ", " : "    ";
  text += "--" + option.name;
  if (!option.value.empty()) text += " " + option.value;
  return text;
}

std::string rows(const std::vector<HelpRow>& table, std::size_t indent, std::size_t width) {
  std::string out;
  for (const HelpRow& row : table) out += two_columns("  " + row.head, row.text, indent, width);
  return out;
}

}  // namespace

std::vector<HelpGroup> help_groups(const Verb& verb) {
  std::vector<HelpGroup> groups;
  const auto add = [&](const std::string& name, HelpRow row) {
    auto at = std::find_if(groups.begin(), groups.end(), [&](const HelpGroup& group) { return group.name == name; });
    if (at == groups.end()) at = groups.insert(groups.end(), {name, {}});
    at->rows.push_back(std::move(row));
  };
  for (const Option& positional : verb.positionals)
    add("Arguments", {positional.value + (positional.repeats ? " ..." : ""), positional.help + facts(positional)});
  std::vector<Option> options = verb.options;
  options.push_back(help_option());
  for (const Option& option : options)
    add(option.group.empty() ? "Options" : option.group, {left_column(option), option.help + facts(option)});
  for (const Option& option : options)
    for (std::size_t i = 0; i < option.notes.size(); ++i)
      add(left_column(option).substr(4), {option.choices[i], option.notes[i]});
  return groups;
}

std::string usage(const Verb& verb) {
  std::string text;
  for (const Option& positional : verb.positionals)
    text +=
        (positional.required ? positional.value : "[" + positional.value + "]") + (positional.repeats ? " ... " : " ");
  for (const Option& option : verb.options)
    if (option.required) text += "--" + option.name + " " + option.value + " ";
  return text + "[options]";
}

std::string help_text(const Verb& verb, int width) {
  const auto w = static_cast<std::size_t>(std::max(width, 80));
  std::string out = two_columns("cnf " + verb.name + ":", verb.summary, character_count(verb.name) + 6, w) + "\n";
  out += two_columns("Usage: cnf " + verb.name, usage(verb), character_count(verb.name) + 12, w);
  if (!verb.examples.empty()) out += "\nExamples:\n";
  for (const std::string& example : verb.examples) out += "  " + example + "\n";

  const std::vector<HelpGroup> groups = help_groups(verb);
  std::size_t longest = 0;
  for (const HelpGroup& group : groups)
    for (const HelpRow& row :
         group.rows)  // a few long heads get a line to themselves rather than push all to the right
      if (character_count(row.head) <= 28) longest = std::max(longest, character_count(row.head));
  for (const HelpGroup& group : groups) out += "\n" + group.name + ":\n" + rows(group.rows, longest + 4, w);
  return out;
}

std::string help_text(std::span<const Verb> verbs, const std::string& noun, int width) {
  const auto w = static_cast<std::size_t>(std::max(width, 80));
  const std::string before = noun.empty() ? "" : noun + " ";
  std::string out = (noun.empty() ? "cnf: continuous normalizing flows, from data to densities\n\n" : "") +
                    ("Usage: cnf " + before) + "VERB [arguments] [options]\n";
  std::string examples;
  for (const Verb& verb : verbs) {
    if (!verb.name.starts_with(before)) continue;
    if (!verb.examples.empty()) examples += "  " + verb.examples.front() + "\n";
  }
  if (!examples.empty()) out += "\nExamples:\n" + examples;
  std::size_t longest = 4;
  std::vector<HelpRow> table;
  for (const Verb& verb : verbs) {
    if (!verb.name.starts_with(before)) continue;
    longest = std::max(longest, character_count(verb.name));
    table.push_back({verb.name, verb.summary});
  }
  out += "\nVerbs:\n" + rows(table, longest + 4, w);
  if (!noun.empty()) return out + "\ncnf " + before + "VERB --help tells what a verb does.\n";
  out += "\nEverywhere:\n" + rows(everywhere_rows(), 23, w);
  out += std::string("\n") + kWhereResultsGo + "\n";
  return out + "\nExit codes:\n" + rows(exit_code_rows(), 12, w);
}

std::vector<HelpRow> everywhere_rows() {
  return {{"cnf VERB --help", "what a verb does, with examples and every option"},
          {"cnf --version", "the version"},
          {"cnf --generate WHAT", "a manual page (man), or a completion (bash, zsh, fish)"},
          {"--name=-4,4", "a value that begins with a minus is joined by ="},
          {"--", "everything behind it is an argument, not an option"}};
}

std::vector<HelpRow> exit_code_rows() {
  return {{"0", "all went well"},
          {"1", "the computation failed (diverged, no convergence)"},
          {"2", "the command line is wrong; nothing was done"},
          {"3", "an input file is missing or wrong"},
          {"4", "an output could not be written"},
          {"5", "out of memory"},
          {"130, 143", "stopped by Ctrl-C, by SIGTERM"}};
}

}  // namespace cnf
