#include "tools/cli/completion.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "tools/cli/generated.hpp"

namespace cnf {
namespace {

/// What can stand for a value.
struct Offer {
  std::vector<std::string> words{};  ///< a number follows one that ends in a colon
  bool files = false, folders = false;
  std::string ending{};  ///< of the files, with its dot; empty: any

  bool nothing() const { return words.empty() && !files && !folders; }
};

Offer offer(const Option& option) {
  Offer found;
  for (const std::string& choice : option.choices) {
    const auto end = choice.find_first_of("[:");
    found.words.push_back(choice.substr(0, end));
    if (end != choice.npos && choice[end] == ':') found.words.back() += ':';
  }
  const std::string& value = option.value;
  found.folders = option.kind == Kind::path && (value == "RUN" || value == "DIR");
  found.files = !found.folders && (option.kind == Kind::path || value.find("FILE") != value.npos);
  if (value.starts_with("FILE.")) found.ending = value.substr(4);
  return found;
}

/// An option and -h, --help.
std::vector<Option> all_options(const Verb& verb) {
  std::vector<Option> options = verb.options;
  options.push_back(help_option());
  return options;
}

std::vector<std::string> verb_names(std::span<const Verb> verbs) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs) names.push_back(verb.name);
  return names;
}

/// Verbs by their first word: "classify" stands for all that begin with it.
struct First {
  std::string word, summary;
  std::vector<std::pair<std::string, std::string>> seconds;  ///< and what they do
};

std::vector<First> first_words(std::span<const Verb> verbs) {
  std::vector<First> all;
  for (const Verb& verb : verbs) {
    const std::string word = verb.name.substr(0, verb.name.find(' '));
    auto at = std::find_if(all.begin(), all.end(), [&](const First& first) { return first.word == word; });
    if (at == all.end()) at = all.insert(all.end(), {word, {}, {}});
    if (verb.name == word)
      at->summary = verb.summary;
    else
      at->seconds.emplace_back(verb.name.substr(word.size() + 1), verb.summary);
  }
  for (First& first : all)
    if (first.summary.empty()) first.summary = first.seconds.front().second;
  return all;
}

std::string joined(const std::vector<std::string>& words, const std::string& between = " ") {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

std::string escaped(std::string_view text, std::string_view characters) {
  std::string out;
  for (const char c : text) {
    if (characters.find(c) != characters.npos) out += '\\';
    out += c;
  }
  return out;
}

/// For bash and zsh.
std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// A help text's first sentence, without its full stop.
std::string brief(const std::string& help) {
  const std::string text = help.substr(0, help.find(". "));
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

std::string first_line(const std::string& shell) {
  return "# Completion of " + program_and_version() + " in " + shell + ", made by: cnf --generate " + shell + "\n";
}

// --- bash

std::string bash_action(const Offer& offer) {
  std::string action;
  if (!offer.words.empty()) action += "_cnf_words '" + joined(offer.words) + "'; ";
  if (offer.folders) action += "_cnf_folders; ";
  if (offer.files) action += offer.ending.empty() ? "_cnf_files; " : "_cnf_files '" + offer.ending + "'; ";
  return action;
}

/// The branch of one verb: what may follow each option, then what may stand by itself.
std::string bash_branch(const Verb& verb) {
  std::vector<std::pair<std::string, std::string>> patterns;  // by action
  std::vector<std::string> names;
  for (const Option& option : all_options(verb)) {
    names.push_back("--" + option.name);
    if (option.kind == Kind::flag) continue;
    const std::string action = bash_action(offer(option));
    auto at = std::find_if(patterns.begin(), patterns.end(), [&](const auto& one) { return one.first == action; });
    if (at == patterns.end()) at = patterns.insert(patterns.end(), {action, {}});
    at->second += (at->second.empty() ? "" : " | ") + names.back();
    if (option.letter) at->second += std::string(" | -") + option.letter;
  }
  std::string text = "    '" + verb.name + "')\n      case $option in\n";
  for (const auto& [action, pattern] : patterns) text += "        " + pattern + ") " + action + "return ;;\n";
  text += "      esac\n      options='" + joined(names) + "'\n";
  std::string alone;
  for (const Option& positional : verb.positionals) {
    const std::string action = bash_action(offer(positional));
    if (alone.find(action) == alone.npos) alone += action;
  }
  if (!alone.empty()) text += "      [[ $current == -* ]] || { " + alone + "return; }\n";
  return text + "      ;;\n";
}

// --- zsh

std::string zsh_action(const Offer& offer) {
  std::vector<std::string> parts, whole, begun;
  for (const std::string& word : offer.words) (word.ends_with(':') ? begun : whole).push_back(word);
  if (!whole.empty()) parts.push_back("compadd -- " + joined(whole));
  if (!begun.empty()) parts.push_back("compadd -S \"\" -- " + joined(begun));
  if (offer.folders) parts.emplace_back("_files -/");
  if (offer.files) parts.push_back(offer.ending.empty() ? "_files" : "_files -g \"*" + offer.ending + "\"");
  return parts.empty() ? " " : "{" + escaped(joined(parts, "; "), ":") + "}";
}

std::string zsh_branch(const Verb& verb) {
  std::string text = "    " + single_quoted(verb.name) + ")\n      _arguments -s -S";
  const auto add = [&](const std::string& spec) { text += " \\\n        " + spec; };
  for (const Option& option : all_options(verb)) {
    const std::string name = "--" + option.name, help = "[" + escaped(brief(option.help), "\\[]:") + "]";
    const std::string value =
        option.kind == Kind::flag ? help : help + ":" + escaped(option.value, "\\:") + ":" + zsh_action(offer(option));
    const std::string equals = option.kind == Kind::flag ? "" : "=", plus = option.kind == Kind::flag ? "" : "+";
    if (!option.letter) {
      add(single_quoted(name + equals + value));
      continue;
    }
    const std::string letter = std::string("-") + option.letter;
    add(single_quoted("(" + letter + " " + name + ")") + "{" + letter + plus + "," + name + equals + "}" +
        single_quoted(value));
  }
  for (const Option& positional : verb.positionals)
    add(single_quoted((positional.repeats    ? "*:"
                       : positional.required ? ":"
                                             : "::") +
                      escaped(positional.value, "\\:") + ":" + zsh_action(offer(positional))));
  return text + "\n      ;;\n";
}

std::string zsh_list(const std::vector<std::pair<std::string, std::string>>& words) {
  std::string text;
  for (const auto& [word, what] : words) text += " " + single_quoted(escaped(word, "\\:") + ":" + what);
  return "(" + text.substr(1) + ")";
}

// --- fish

std::string fish_quoted(std::string_view text) { return "'" + escaped(text, "\\'") + "'"; }

/// The words and files behind `complete ...`; empty if nothing can be said.
std::string fish_offer(const Offer& offer) {
  std::string text;
  if (offer.folders) return " -x -a '(__fish_complete_directories)'";
  if (!offer.words.empty()) text += " -a " + fish_quoted(joined(offer.words));
  return (offer.files ? " -r -F" : " -x") + text;
}

std::string fish_branch(const Verb& verb) {
  const std::string begin = "complete -c cnf -n '__cnf_at " + verb.name + "'";
  std::string text;
  for (const Option& option : all_options(verb)) {
    text += begin;
    if (option.letter) text += std::string(" -s ") + option.letter;
    text += " -l " + option.name;
    if (option.kind != Kind::flag) text += fish_offer(offer(option));
    text += " -d " + fish_quoted(brief(option.help)) + "\n";
  }
  for (const Option& positional : verb.positionals) {
    const Offer alone = offer(positional);
    if (alone.nothing()) continue;
    text += begin + (alone.files ? " -F" : "");
    if (!alone.words.empty()) text += " -a " + fish_quoted(joined(alone.words));
    if (alone.folders) text += " -a '(__fish_complete_directories)'";
    text += "\n";
  }
  return text;
}

}  // namespace

std::string bash_completion(std::span<const Verb> verbs) {
  std::vector<std::string> firsts;
  std::string seconds, two_words;
  for (const First& first : first_words(verbs)) {
    firsts.push_back(first.word);
    if (first.seconds.empty()) continue;
    std::vector<std::string> words;
    for (const auto& [word, summary] : first.seconds) {
      words.push_back(word);
      two_words += (two_words.empty() ? "'" : " | '") + first.word + " " + word + "'";
    }
    seconds += "      " + first.word + ") _cnf_words '" + joined(words) + "' ;;\n";
  }
  const std::string begin = R"(
_cnf_words() {
  local word
  for word in $1; do [[ $word != "$current"* ]] || COMPREPLY+=("$word"); done
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]]; then compopt -o nospace 2>/dev/null; fi
}
_cnf_files() {
  local file
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do
    [[ $file != *"${1-}" && ! -d ${file/#\~/$HOME} ]] || COMPREPLY+=("$file")
  done < <(compgen -f -- "$current")
}
_cnf_folders() {
  local folder
  compopt -o filenames 2>/dev/null
  while IFS= read -r folder; do COMPREPLY+=("$folder"); done < <(compgen -d -- "$current")
}
_cnf() {
  local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} options=
  COMPREPLY=()
  if [[ $current == = ]]; then
    current=
  elif [[ $option == = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
)";
  std::string text = first_line("bash") + begin.substr(1);
  text += "  if ((COMP_CWORD == 1)); then\n    _cnf_words '" + joined(firsts) + " help --help --version --generate'\n";
  text += "    return\n  fi\n";
  if (!seconds.empty()) {
    text += "  if ((COMP_CWORD == 2)); then\n    case $verb in\n" + seconds + "    esac\n  fi\n";
    text += "  case \"$verb ${COMP_WORDS[2]}\" in\n    " + two_words +
            ") ((COMP_CWORD == 2)) || verb+=\" ${COMP_WORDS[2]}\" ;;\n";
    text += "  esac\n";
  }
  text += "  case $verb in\n";
  for (const Verb& verb : verbs) text += bash_branch(verb);
  text += "    help) options='" + joined(firsts) + "' ;;\n";
  text += "    --generate) options='" + joined({kGenerated.begin(), kGenerated.end()}) + "' ;;\n";
  return text + "  esac\n  _cnf_words \"$options\"\n}\ncomplete -F _cnf cnf\n";
}

std::string zsh_completion(std::span<const Verb> verbs) {
  std::vector<std::pair<std::string, std::string>> firsts;
  std::string seconds;
  for (const First& first : first_words(verbs)) {
    firsts.emplace_back(first.word, first.summary);
    if (first.seconds.empty()) continue;
    seconds += "    " + single_quoted(first.word) + ")\n      words_here=" + zsh_list(first.seconds) +
               "\n      _describe -t verbs verb words_here\n      ;;\n";
  }
  firsts.emplace_back("help", "What a verb does");
  std::string text = "#compdef cnf\n" + first_line("zsh");
  text += "_cnf() {\n  local curcontext=$curcontext state state_descr line\n  local -a words_here\n";
  text += "  typeset -A opt_args\n  _arguments -C '(- *)'{-h,--help}'[Show the verbs]' \\\n";
  text += "    '(- *)'{-V,--version}'[Show the version]' \\\n";
  text += "    '(- *)--generate=[Write a manual page or a completion]:WHAT:(" +
          joined({kGenerated.begin(), kGenerated.end()}) + ")' \\\n";
  text += "    '1: :->verb' '*:: :->rest'\n";
  text += "  if [[ $state == verb ]]; then\n    words_here=" + zsh_list(firsts) +
          "\n    _describe -t verbs verb words_here\n    return\n  fi\n  [[ $state == rest ]] || return 1\n";
  if (!seconds.empty()) {
    text += "  if ((CURRENT == 2)); then\n    case $words[1] in\n" + seconds + "    esac\n  fi\n";
    std::vector<std::string> two_words;
    for (const std::string& name : verb_names(verbs))
      if (name.find(' ') != name.npos) two_words.push_back(single_quoted(name));
    text += "  local -a two_words=(" + joined(two_words) + ")\n";
    text += "  if ((CURRENT > 2 && $two_words[(Ie)$words[1] $words[2]])); then\n";
    text += "    words=(\"$words[1] $words[2]\" \"${(@)words[3,-1]}\")\n    ((CURRENT--))\n  fi\n";
  }
  text += "  case $words[1] in\n";
  for (const Verb& verb : verbs) text += zsh_branch(verb);
  return text + "    'help')\n      words_here=" + zsh_list(firsts) +
         "\n      _describe -t verbs verb words_here\n      ;;\n  esac\n}\n"
         "if [[ $funcstack[1] == _cnf ]]; then _cnf \"$@\"; else compdef _cnf cnf; fi\n";
}

std::string fish_completion(std::span<const Verb> verbs) {
  std::string text = first_line("fish");
  text += R"(function __cnf_at
  set -l words (commandline -opc)
  set -l last (math 1 + (count $argv))
  test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end
function __cnf_words
  test (count (commandline -opc)) = $argv[1]
end
complete -c cnf -f
)";
  const std::string at_first = "complete -c cnf -n '__cnf_words 1'";
  std::vector<std::string> firsts;
  for (const First& first : first_words(verbs)) {
    firsts.push_back(first.word);
    text += at_first + " -a " + first.word + " -d " + fish_quoted(first.summary) + "\n";
    for (const auto& [word, summary] : first.seconds)
      text += "complete -c cnf -n '__cnf_words 2; and __cnf_at " + first.word + "' -a " + word + " -d " +
              fish_quoted(summary) + "\n";
  }
  text += at_first + " -a help -d 'What a verb does'\n" + at_first + " -s h -l help -d 'Show the verbs'\n" + at_first +
          " -s V -l version -d 'Show the version'\n" +
          "complete -c cnf -n '__cnf_words 1; or __cnf_at --generate' -l generate -x -a '" +
          joined({kGenerated.begin(), kGenerated.end()}) + "' -d 'Write a manual page or a completion'\n" +
          "complete -c cnf -n '__cnf_words 2; and __cnf_at help' -a '" + joined(firsts) + "'\n";
  for (const Verb& verb : verbs) text += fish_branch(verb);
  return text;
}

}  // namespace cnf
