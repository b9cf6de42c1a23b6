#include "tools/cli/args.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <stdexcept>
#include <utility>

#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/suggest.hpp"

// cxxopts' std::regex runs out of stack on a value of 100 kB and does not match one with a newline in it.
#define CXXOPTS_NO_REGEX
#include <cxxopts.hpp>

namespace cnf {
namespace {

/// A name for cxxopts that cannot be typed: its own grammar ends names at a full stop.
std::string positional_key(const Option& positional) { return positional.name + ".positional"; }

bool begins_with_typographic_dash(std::string_view word) {
  // U+2010 to U+2015 and U+2212, as word processors and web pages put in the place of "-" or "--".
  return word.size() >= 3 && word[0] == '\xe2' &&
         ((word[1] == '\x80' && word[2] >= '\x90' && word[2] <= '\x95') || (word[1] == '\x88' && word[2] == '\x92'));
}

/// Looks the words over and spells every option in one way, --name or --name=value, before cxxopts reads them:
/// cxxopts takes the next word as a value whatever it is (`--out --lr`), and its exceptions do not say which word
/// was wrong.
class Words {
 public:
  Words(const Verb& verb, std::span<const Option> options, const std::vector<std::string>& words)
      : verb_(verb), options_(options), words_(words) {}

  std::vector<std::string> spelled() {
    std::vector<std::string> positionals;
    for (; at_ < words_.size(); ++at_) {
      const std::string& word = words_[at_];
      if (word == "--") {
        positionals.insert(positionals.end(), words_.begin() + static_cast<std::ptrdiff_t>(at_) + 1, words_.end());
        break;
      }
      if (word.size() < 2 || word[0] != '-') {
        if (begins_with_typographic_dash(word)) {
          throw UsageError(in_quotes(word) + " begins with a typographic dash, not with a minus",
                           "type it again: --" + one_line(word.substr(3)));
        }
        positionals.push_back(word);
      } else if (word[1] == '-') {
        read_long(word);
      } else {
        read_letters(word);
      }
    }
    out_.push_back("--");
    out_.insert(out_.end(), positionals.begin(), positionals.end());
    return std::move(out_);
  }

 private:
  const Option* find(std::string_view name) const {
    const auto it = std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.name == name; });
    return it == options_.end() ? nullptr : &*it;
  }
  const Option* find(char letter) const {
    const auto it = std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.letter == letter; });
    return it == options_.end() ? nullptr : &*it;
  }

  [[noreturn]] void unknown(const std::string& shown, std::string_view name) const {
    std::vector<std::string> names;
    for (const Option& option : options_) names.push_back(option.name);
    std::string help = did_you_mean(name, names, "--");
    for (const Option& positional : verb_.positionals) {
      const std::vector<std::string> one{positional.name};
      if (name == positional.name || (help.empty() && !closest(name, one).empty()))
        help = positional.value + " is written by itself: cnf " + verb_.name + " " + positional.value;
    }
    throw UsageError(shown + " is not an option of cnf " + verb_.name, help);
  }

  /// -n where there is an -N.
  [[noreturn]] void unknown_letter(const std::string& shown, const std::string& name, char letter) const {
    const char other = static_cast<char>(letter ^ ('a' ^ 'A'));
    if (const Option* option = find(other))
      throw UsageError(shown + " is not an option of cnf " + verb_.name,
                       std::string("did you mean -") + other + ", --" + option->name + "?");
    unknown(shown, name);
  }

  void read_long(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(2, equals == word.npos ? word.npos : equals - 2);
    const Option* option = find(name);
    if (!option) unknown(one_line(word.substr(0, std::min<std::size_t>(equals, 60))), name);
    if (option->kind == Kind::flag) {
      if (equals != word.npos) {
        throw UsageError("--" + name + ": takes no value, got " + in_quotes(word.substr(equals + 1)),
                         "write --" + name);
      }
      out_.push_back(word);
    } else if (equals != word.npos) {
      out_.push_back(word);
    } else {
      out_.push_back(word + "=" + next_word(*option, word));
    }
  }

  void read_letters(const std::string& word) {
    const std::string name = word.substr(1, word.find('=') == word.npos ? word.npos : word.find('=') - 1);
    if (find(name) && name.size() > 1) {
      throw UsageError("-" + name + " is not an option of cnf " + verb_.name, "long names take two dashes: --" + name);
    }
    for (std::size_t i = 1; i < word.size(); ++i) {
      const char letter = word[i];
      const Option* option = find(letter);
      if (!option) {
        if (i == 1 && (word[1] == '.' || (word[1] >= '0' && word[1] <= '9'))) {
          throw UsageError(in_quotes(word) + " is a value without an option", "write --name=" + one_line(word));
        }
        unknown_letter(
            i == 1 ? one_line(word.substr(0, 60)) : "-" + one_line(word.substr(i, 1)) + " (in " + in_quotes(word) + ")",
            name, letter);
      }
      if (option->kind == Kind::flag) {
        if (i + 1 < word.size() && word[i + 1] == '=') {
          throw UsageError(std::string("-") + letter + ": takes no value, got " + in_quotes(word.substr(i + 2)),
                           std::string("write -") + letter);
        }
        out_.push_back("--" + option->name);
        continue;
      }
      const std::string rest = word.substr(i + 1), shown = std::string("-") + letter;
      if (!rest.empty() && rest[0] == '=') {
        throw UsageError(shown + ": takes its value as the next word, got " + in_quotes(word),
                         "write " + shown + " " + one_line(rest.substr(1)) + " or --" + option->name + one_line(rest));
      }
      out_.push_back("--" + option->name + "=" + (rest.empty() ? next_word(*option, shown) : rest));
      break;
    }
  }

  /// The word behind an option that takes a value.
  const std::string& next_word(const Option& option, const std::string& shown) {
    if (at_ + 1 == words_.size()) throw UsageError(shown + ": needs a value, expected " + expected(option));
    const std::string& next = words_[at_ + 1];
    const bool may_be_number = option.kind == Kind::integer || option.kind == Kind::real ||
                               option.kind == Kind::integers || option.kind == Kind::reals || option.kind == Kind::text;
    if (next.size() > 1 && next[0] == '-' &&
        !(may_be_number && (next[1] == '.' || (next[1] >= '0' && next[1] <= '9')))) {
      throw UsageError(shown + ": needs a value, but " + in_quotes(next) + " follows",
                       "a value that begins with a minus is written --" + option.name + "=" + one_line(next));
    }
    ++at_;
    return next;
  }

  const Verb& verb_;
  std::span<const Option> options_;
  const std::vector<std::string>& words_;
  std::vector<std::string> out_;
  std::size_t at_ = 0;
};

std::string example_help(const Verb& verb) {
  return verb.examples.empty() ? "cnf " + verb.name + " --help" : "for example: " + verb.examples.front();
}

/// What a word by itself was meant for: `cnf sample runs/8g 1000`, `cnf train moons`, `cnf density runs/8g a.png`.
std::string option_for(const Verb& verb, const std::string& extra) {
  std::vector<std::string> names;
  for (const Option& option : verb.options) names.push_back(option.name);
  const auto find = [&](const char* name) {
    const auto at = std::find(names.begin(), names.end(), name);
    return at == names.end() ? nullptr : &verb.options[static_cast<std::size_t>(at - names.begin())];
  };
  const Option *num = find("num"), *data = find("data");
  const std::string word = shell_word(one_line(extra)), of_data = "data are given by --data " + word;
  if (data && std::find(data->choices.begin(), data->choices.end(), extra) != data->choices.end()) return of_data;
  if (num && extra.find_first_not_of("0123456789") == extra.npos) return "how many is said by -N " + word;
  const std::string meant = did_you_mean(extra, names, "--");
  if (!meant.empty() || extra.find('=') != extra.npos) return meant;
  if (data) return of_data;
  return find("output") ? "an output is named by -o " + word : "";
}

/// Every one of what repeats.
void read_texts(const Option& option, const std::string& shown, const std::vector<std::string>& words, Value& value) {
  for (const std::string& word : words) value.texts.push_back(read_value(option, shown, word).text);
  const auto count = words.size();
  if (count >= option.min_count && count <= option.max_count) return;
  throw UsageError(shown + ": " + std::to_string(count) + (count == 1 ? " was" : " were") + " given, expected " +
                   std::to_string(option.min_count) + " to " + std::to_string(option.max_count));
}

[[noreturn]] void refuse_extra(const Verb& verb, const std::string& extra) {
  std::string takes = verb.positionals.empty() ? "takes options only" : "takes no more than";
  for (const Option& positional : verb.positionals) takes += " " + positional.value;
  throw UsageError("unexpected argument " + in_quotes(extra) + ", cnf " + verb.name + " " + takes,
                   option_for(verb, extra));
}

}  // namespace

Option help_option() { return {.name = "help", .letter = 'h', .help = "Show this text.", .group = "Common"}; }

std::string shown_name(const Verb& verb, const Option& option) {
  for (const Option& positional : verb.positionals) {
    if (positional.name == option.name) return positional.value;
  }
  return "--" + option.name;
}

void check_table(const Verb& verb) {
  const auto wrong = [&](const Option& option, const std::string& what) {
    throw std::invalid_argument("option table of " + verb.name + ": " + option.name + ": " + what);
  };
  std::set<std::string> names;
  std::set<char> letters;
  bool optional_seen = false;
  std::vector<Option> all = verb.positionals;
  all.insert(all.end(), verb.options.begin(), verb.options.end());
  all.push_back(help_option());
  for (const Option& option : all) {
    const bool positional = &option - all.data() < static_cast<std::ptrdiff_t>(verb.positionals.size());
    if (option.name.size() < 2) wrong(option, "a name has two letters or more");
    for (const char c : option.name) {
      const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
      if (!fine || option.name[0] == '-') wrong(option, "a name is made of letters, digits and -");
    }
    if (!names.insert(option.name).second) wrong(option, "stands there twice");
    if (option.letter && !letters.insert(option.letter).second) wrong(option, "its letter stands there twice");
    const bool alphabetic =
        (option.letter >= 'a' && option.letter <= 'z') || (option.letter >= 'A' && option.letter <= 'Z');
    if (option.letter && !alphabetic) wrong(option, "its letter is no letter");
    if (option.help.empty()) wrong(option, "has no help");
    if ((option.kind == Kind::flag) != option.value.empty()) wrong(option, "a value has a name, a flag has no value");
    if (option.kind == Kind::flag && (option.required || !option.initial.empty()))
      wrong(option, "a flag has no default");
    if (option.kind == Kind::choice && option.choices.empty()) wrong(option, "has no choices");
    if (option.required && !option.initial.empty()) wrong(option, "is required and has a default");
    if (positional && option.kind == Kind::flag) wrong(option, "a positional argument is no flag");
    if (positional && option.repeats && (option.kind != Kind::path || &option != &all[verb.positionals.size() - 1]))
      wrong(option, "what repeats is a path and the last");
    if (positional && option.required && optional_seen) wrong(option, "required, behind one that is not");
    if (positional) optional_seen = optional_seen || !option.required;
    if (!option.initial.empty()) {
      try {
        read_value(option, "its default", option.initial);
      } catch (const UsageError& error) {
        wrong(option, error.what());
      }
    }
  }
}

Args::Args(const Verb& verb, const std::vector<std::string>& words) : verb_(verb.name) {
  check_table(verb);
  std::vector<Option> options = verb.options;
  options.push_back(help_option());
  const std::vector<std::string> spelled = Words(verb, options, words).spelled();

  cxxopts::Options parser("cnf");
  for (const Option& option : options) {
    const auto text = cxxopts::value<std::string>();
    if (option.kind == Kind::flag) text->implicit_value("on");
    parser.add_options()(option.name, option.help, text);
  }
  std::vector<std::string> positional_keys;
  for (const Option& positional : verb.positionals) {
    positional_keys.push_back(positional_key(positional));
    parser.add_options()(positional_keys.back(), positional.help, cxxopts::value<std::string>());
  }
  parser.parse_positional(positional_keys);

  std::vector<const char*> argv{"cnf"};
  for (const std::string& word : spelled) argv.push_back(word.c_str());
  cxxopts::ParseResult result;
  try {
    result = parser.parse(static_cast<int>(argv.size()), argv.data());
  } catch (const cxxopts::exceptions::exception& error) {
    throw UsageError(one_line(error.what()), example_help(verb));
  }
  for (const Option& option : options) {
    const std::string shown = "--" + option.name;
    if (result.count(option.name) > 1 && !option.repeats) {
      throw UsageError(shown + ": is given " + std::to_string(result.count(option.name)) + " times", "give it once");
    }
  }
  const auto read = [&](const Option& option, const std::string& key) {
    const std::string shown = shown_name(verb, option);
    Entry entry{option.kind, {}};
    if (result.count(key) > 0) {
      std::string text = result[key].as<std::string>();
      if (option.repeats) {
        text.clear();
        const char* between = "";
        for (const auto& said : result.arguments())
          if (said.key() == key) text += std::exchange(between, ",") + said.value();
      }
      entry.value = read_value(option, shown, text);
      entry.value.given = true;
    } else if (!option.initial.empty()) {
      entry.value = read_value(option, shown, option.initial);
    }
    entries_.emplace(option.name, std::move(entry));
  };
  for (const Option& positional : verb.positionals) read(positional, positional_key(positional));
  for (const Option& option : options) read(option, option.name);
  const bool repeats = !verb.positionals.empty() && verb.positionals.back().repeats;
  if (Value* last = repeats ? &entries_.find(verb.positionals.back().name)->second.value : nullptr; last && last->set) {
    std::vector<std::string> all = result.unmatched();
    all.insert(all.begin(), last->text);
    read_texts(verb.positionals.back(), verb.positionals.back().value, all, *last);
  } else if (!result.unmatched().empty()) {
    refuse_extra(verb, result.unmatched().front());
  }
  // Missing ones last: a wrong word is the better thing to name.
  for (const std::vector<Option>* table : {&verb.positionals, &verb.options}) {
    for (const Option& option : *table) {
      if (!option.required || entries_.find(option.name)->second.value.set) continue;
      throw UsageError(shown_name(verb, option) + " is missing, expected " + expected(option), example_help(verb));
    }
  }
}

const Args::Entry& Args::entry(std::string_view name) const {
  const auto it = entries_.find(name);
  if (it == entries_.end()) throw std::invalid_argument("cnf " + verb_ + " has no option " + std::string(name));
  return it->second;
}

const Value& Args::value(std::string_view name, std::initializer_list<Kind> kinds) const {
  const Entry& found = entry(name);
  if (std::find(kinds.begin(), kinds.end(), found.kind) == kinds.end()) {
    throw std::invalid_argument("cnf " + verb_ + ": " + std::string(name) + " is asked for as another kind");
  }
  if (!found.value.set && found.kind != Kind::flag) {
    throw std::invalid_argument("cnf " + verb_ + ": " + std::string(name) + " was not given and has no default");
  }
  return found.value;
}

void Args::set(const Option& option, const std::string& shown, const std::string& text) {
  const auto it = entries_.find(option.name);
  if (it == entries_.end() || it->second.kind != option.kind)
    throw std::invalid_argument("cnf " + verb_ + " has no such option " + option.name);
  if (option.kind == Kind::flag) {
    if (text != "true" && text != "false")
      throw UsageError(shown + ": " + in_quotes(text) + " is neither true nor false");
    it->second.value = {.given = true, .set = text == "true"};
    return;
  }
  it->second.value = read_value(option, shown, text);
  it->second.value.given = true;
}

bool Args::given(std::string_view name) const { return entry(name).value.given; }
bool Args::has(std::string_view name) const { return entry(name).value.set; }
bool Args::flag(std::string_view name) const { return value(name, {Kind::flag}).set; }
std::int64_t Args::integer(std::string_view name) const { return value(name, {Kind::integer}).integers[0]; }
double Args::real(std::string_view name) const { return value(name, {Kind::real}).reals[0]; }
const std::string& Args::text(std::string_view name) const {
  return value(name, {Kind::text, Kind::path, Kind::choice}).text;
}
const std::vector<std::string>& Args::texts(std::string_view name) const { return value(name, {Kind::path}).texts; }
std::filesystem::path Args::path(std::string_view name) const { return value(name, {Kind::path}).text; }
Choice Args::choice(std::string_view name) const {
  const Value& found = value(name, {Kind::choice});
  return {found.text, found.integers.empty() ? std::nullopt : std::optional(found.integers[0])};
}
const std::vector<std::int64_t>& Args::list(std::string_view name) const {
  return value(name, {Kind::integers}).integers;
}
const std::vector<double>& Args::reals(std::string_view name) const { return value(name, {Kind::reals}).reals; }

}  // namespace cnf
