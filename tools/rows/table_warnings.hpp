// What is odd about a table, as sentences with the option that cures it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "datasets/inspect.hpp"
#include "datasets/table.hpp"

namespace cnf {

/// One line of each kind of oddity, all its columns in it. `place` says where a row of the table stands in its file.
std::vector<std::string> table_warnings(const Table& table, const std::vector<Finding>& findings,
                                        const std::function<std::string(Index row)>& place);

/// Of columns called so that depend on others.   Needs one or more.
std::string dependence_warning(const std::string& source, const std::vector<std::string>& columns,
                               const std::vector<Dependence>& found);

/// Of a table of `columns` that is to be learnt by so many weights: too few rows for them, or to choose them by.
std::vector<std::string> few_rows_warnings(Index train, Index validation, Index columns, Index weights);

/// InputError if the rows are fewer than the columns and so few that the table is taken for transposed; before the
/// memory that columns cost is spent.
void refuse_transposed(const std::string& source, Index rows, Index columns);
/// The question whether it is.
std::string transposed_warning(const std::string& source, Index rows, Index columns);

/// "column 'kind'", "3 columns: 'kind', 'age', 'id'"; beyond six they are counted.
std::string listed_columns(const std::vector<std::string>& columns);
/// Columns as --drop takes them: "--drop kind,'power (kW)'".
std::string drop_option(const std::vector<std::string>& columns);

}  // namespace cnf
