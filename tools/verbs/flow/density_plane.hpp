// A model's density in the plane: of two columns, or of a slice through more.
#pragma once

#include "tools/verbs/flow/density_subject.hpp"

namespace cnf {

/// The picture, alone or in panels, and the grid, as `args` of cnf density say. The subject is a plane.
int run_density_plane(const Args& args, const Subject& subject);

}  // namespace cnf
