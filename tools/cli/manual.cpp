#include "tools/cli/manual.hpp"

#include <algorithm>
#include <vector>

#include "tools/cli/generated.hpp"
#include "tools/cli/help.hpp"

namespace cnf {
namespace {

/// As roff prints it, letter by letter.
std::string literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == kGlue)
      out += "\\ ";
    else
      out += c;
  }
  return out;
}

/// Lines of at most 78 bytes where the words allow, none of which begins as a request does.
std::string paragraph(std::string_view text) {
  std::string out, line;
  const auto end_line = [&] {
    if (line.empty()) return;
    out += (line[0] == '.' || line[0] == '\'' ? "\\&" : "") + line + "\n";
    line.clear();
  };
  while (!text.empty()) {
    const std::string word = literal(text.substr(0, text.find(' ')));
    text.remove_prefix(std::min(text.find(' ', 0), text.size() - 1) + 1);
    if (line.size() + 1 + word.size() > 78) end_line();
    line += (line.empty() ? "" : " ") + word;
  }
  end_line();
  return out;
}

std::string row(const std::string& head, const std::string& text) {
  const std::string shown = head.substr(std::min(head.find_first_not_of(' '), head.size()));
  const auto value = shown.find("--") == shown.npos ? shown.npos : shown.find(' ', shown.find("--"));
  std::string line = "\\fB" + literal(shown.substr(0, value)) + "\\fR";
  if (value != shown.npos) line += " \\fI" + literal(shown.substr(value + 1)) + "\\fR";
  return ".TP\n" + line + "\n" + paragraph(text);
}

std::string rows(const std::vector<HelpRow>& table) {
  std::string text;
  for (const HelpRow& one : table) text += row(one.head, one.text);
  return text;
}

std::string examples(const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  std::string text = ".PP\n.EX\n";
  for (const std::string& line : lines) text += literal(line) + "\n";
  return text + ".EE\n";
}

std::string section(const Verb& verb) {
  std::string text = ".SS \"cnf " + literal(verb.name + " " + usage(verb)) + "\"\n" + paragraph(verb.summary + ".");
  text += examples(verb.examples);
  for (const HelpGroup& group : help_groups(verb)) text += ".PP\n\\fI" + group.name + "\\fR\n" + rows(group.rows);
  return text;
}

}  // namespace

std::string manual(std::span<const Verb> verbs) {
  std::string text = ".\\\" Made by: cnf --generate man\n";
  text += ".TH CNF 1 " CNF_VERSION_DATE " \"" + program_and_version() + "\" \"User Commands\"\n";
  text += ".SH NAME\ncnf \\- continuous normalizing flows, from data to densities\n";
  text += ".SH SYNOPSIS\n\\fBcnf\\fR \\fIVERB\\fR [\\fIarguments\\fR] [\\fIoptions\\fR]\n";
  text += ".SH DESCRIPTION\n" +
          paragraph(
              "Learns a density from points, evaluates it exactly, draws from it and shows it. What is done is "
              "said by a verb:");
  std::vector<HelpRow> summaries;
  std::vector<std::string> firsts;
  for (const Verb& verb : verbs) {
    summaries.push_back({verb.name, verb.summary + "."});
    if (!verb.examples.empty()) firsts.push_back(verb.examples.front());
  }
  text += rows(summaries) + ".PP\n" + paragraph(kWhereResultsGo) + rows(everywhere_rows());
  text += ".SH VERBS\n";
  for (const Verb& verb : verbs) text += section(verb);
  text += ".SH \"EXIT STATUS\"\n" + rows(exit_code_rows());
  text += ".SH ENVIRONMENT\n" + rows({{"COLUMNS", "Columns to write for, where the terminal does not say."},
                                      {"NO_COLOR", "If set, nothing is coloured."}});
  text += ".SH EXAMPLES\n" + examples(firsts).substr(4);
  return text;
}

}  // namespace cnf
