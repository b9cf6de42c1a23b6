// The rows of a file as a model takes them: its columns found by name or by place, checked, in blocks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "datasets/rows.hpp"
#include "flows/cnf.hpp"
#include "flows/samples.hpp"

namespace cnf {

/// Rows per block: whole tiles of any model, so that blocks give the bits of one call; fewer where rows are long.
Index block_rows(Index D);

/// Opens `file` (- is CSV from standard input) for rows whose column j holds what the model calls wanted[j]. Which of
/// the file's columns that is, the first of these rules that applies decides:
///   1. `given` chooses columns, by name or number: column j is the j-th of those chosen;
///   2. the file has a header with every name of `wanted`: column j is the one called wanted[j], and the other columns
///      are left out (they may hold text);
///   3. otherwise column j is the file's j-th.
/// Throws InputError naming the file if that leaves another number of columns than wanted.size(); or if rule 3 would
/// take columns under other names, where `by_name` says that the model's names mean something (a table's, not x1, x2).
std::unique_ptr<RowReader> open_rows_for(const std::string& file, const std::vector<std::string>& wanted, bool by_name,
                                         const RowOptions& given);

/// Whether a model calls its columns what a table called them, not x1, x2.
bool has_own_names(const Cnf& model);

/// For a model's data, and for its base points (z1, z2, ...).
std::unique_ptr<RowReader> open_data_rows(const std::string& file, const Cnf& model, const RowOptions& given);
std::unique_ptr<RowReader> open_base_rows(const std::string& file, const Cnf& model, const RowOptions& given);
std::vector<std::string> base_columns(const Cnf& model);

/// "data.csv: 2 invalid rows left out", or "written as NaN" where they keep their places; and that there is no row.
std::string said_of_left_out(const RowReader& rows, bool in_place = false);
std::string nothing_left(const RowReader& rows);

/// The next block of n samples; n = 0 at the end.
SampleBatch next_block(RowReader& rows);

}  // namespace cnf
