// The options of a chart of lines, and the style they make.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/args.hpp"
#include "tools/draw/figure_style.hpp"

namespace cnf {

/// --size --magnify --title, under the heading "Picture".
std::vector<Option> chart_options();

/// `title` where --title gives none. Width and height are those without --size and --magnify; 0: what the axes need.
FigureStyle chart_style(const Args& args, const std::string& title, int width, int height);

/// Whether -o is to be numbers: a .csv or .npy file, or - for CSV on standard output; else it is a picture. `npy`: such
/// are written too. Throws UsageError for another name, and OutputError as refuse_overwrite.
bool wants_numbers(const Args& args, bool npy);

}  // namespace cnf
