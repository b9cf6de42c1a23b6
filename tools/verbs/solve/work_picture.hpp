// Error against work as log-log charts.
#pragma once

#include "tools/draw/side_by_side.hpp"
#include "tools/verbs/solve/work_table.hpp"

namespace cnf {

/// Error against evaluations and against seconds; of a flow also evaluations and error against the tolerance. A line a
/// method; solves that failed are gaps. `style`: of one chart. Throws std::invalid_argument if nothing can be drawn.
SideBySide work_picture(const SolveSubject& subject, const std::vector<WorkRow>& rows, const FigureStyle& style);

}  // namespace cnf
