// How large a picture is, and what stands above it: options that all pictures have.
#pragma once

#include <string>

#include "tools/cli/args.hpp"
#include "tools/draw/figure_style.hpp"

namespace cnf {

Option size_option(const std::string& help);  ///< --size W,H; H may be left out
Option magnify_option();
Option title_option();

/// A style of the size that --size says; a height that it leaves out is 0. Not given: width x height (0 stays 0) times
/// --magnify, which scales text and lines in either case. The title is not set.
FigureStyle sized_style(const Args& args, int width, int height);

}  // namespace cnf
