// "Did you mean": the known name nearest to a mistyped one, or to one that other programs have.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cnf {

/// Insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal string alignment).
/// Cost  |a| |b| time, |b| memory.
int edit_distance(std::string_view a, std::string_view b);

/// The candidate that means what `word` means in other programs ("fit" is train, "rk45" dopri5), or else the one
/// nearest to it: within 2 edits and half of the word's length, capitals not counted and _ as -, or the only one that
/// begins with it (3 letters or more). Empty if there is none; the first one on a tie.
std::string closest(std::string_view word, std::span<const std::string> candidates);

/// "did you mean PREFIXname?", with what is to be said of a name that differs in meaning; empty if nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates, std::string_view prefix = "");

}  // namespace cnf
