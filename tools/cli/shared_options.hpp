// The options several verbs take, with one meaning everywhere. A verb that needs another default or help changes its
// copy: `Option o = rtol_option("1e-7"); o.help = ...;`.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/option.hpp"

namespace cnf {

Option seed_option();                                                     ///< --seed, integer, default 0
Option threads_option();                                                  ///< --threads, integer, no default: all cores
Option json_option();                                                     ///< --json, flag
Option force_option();                                                    ///< -f --force, flag
Option quiet_option();                                                    ///< -q --quiet, flag
Option dry_run_option();                                                  ///< --dry-run, flag; run_program acts on it
Option progress_option();                                                 ///< --progress, choice auto|plain|json|none
Option output_option(const std::string& value, const std::string& help);  ///< -o --output, path
std::vector<Option> draw_options();                                       ///< -N --num, --first: of a seed's stream
Option precision_option(const std::string& initial = "float");            ///< --precision, choice float|double
Option rtol_option(const std::string& initial);                           ///< --rtol, real in (0, 1)
Option atol_option(const std::string& initial);                           ///< --atol, real above 0
Option norm_option(const std::string& initial = "sample");                ///< --norm, choice sample|tile
Option divergence_option(const std::string& initial = "auto");  ///< --divergence, choice auto|exact|hutchinson[:K]
/// A method's name, and what it is: of all of them or of none; and whether it takes a number of fixed steps.
struct KnownMethod {
  std::string name, note;
  bool takes_count = true;
};
/// --solver, choice: `adaptive` methods may have ":N" (N fixed steps) if they take it, `fixed` ones need it.
Option solver_option(const std::vector<KnownMethod>& adaptive, const std::vector<KnownMethod>& fixed,
                     const std::string& initial);
/// --controller, text: `kinds` as they may be written.
Option controller_option(const std::string& kinds);
/// --min-step, --max-step, reals from 0 on, of an adaptive solve.
std::vector<Option> step_options();

/// --solver --rtol --atol --norm --divergence, under the heading "Solver".
std::vector<Option> solve_options(const std::vector<KnownMethod>& adaptive, const std::vector<KnownMethod>& fixed,
                                  const std::string& solver, const std::string& rtol, const std::string& atol);
/// --seed --threads --json --quiet --progress --dry-run, under the heading "Common".
std::vector<Option> common_options();

/// A table without the options of these names.
std::vector<Option> without(std::vector<Option> table, const std::vector<std::string>& names);

/// One table out of several, in order.
std::vector<Option> joined(std::initializer_list<std::vector<Option>> tables);

}  // namespace cnf
