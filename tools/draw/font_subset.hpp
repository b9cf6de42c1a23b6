// The embedded font cut down to the glyphs that a file uses.
#pragma once

#include <set>
#include <string>

namespace cnf {

/// A TrueType file with the outlines and widths of these glyphs and of what they are made of; every glyph keeps its
/// number. Only the tables that a PDF needs: names and characters are left out.
std::string font_subset(const std::set<int>& glyphs);

}  // namespace cnf
