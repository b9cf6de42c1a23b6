// The rows of a file as a model takes them: its columns found by name or by place, checked, in blocks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "datasets/rows.hpp"
#include "flows/cnf.hpp"

namespace cnf {

/// Rows per block: a multiple of a tile's 64, so that blocks give the bits of one call; fewer where rows are long.
Index block_rows(Index D);

/// Opens `file` (- is CSV from standard input) for rows of `wanted.size()` columns.
///   Names asked for in `given`   those, in their order
///   A header with every name of `wanted`   these; other columns may hold anything (from a pipe: numbers)
///   Otherwise   by place
/// Throws InputError naming the file if another number of columns is left, or, if `by_name` (a model of a table with
/// names of its own), if the file has names but not these.
std::unique_ptr<RowReader> open_rows_for(const std::string& file, const std::vector<std::string>& wanted, bool by_name,
                                         const RowOptions& given);

/// For a model's data, and for its base points (z1, z2, ...).
std::unique_ptr<RowReader> open_data_rows(const std::string& file, const Cnf& model, const RowOptions& given);
std::unique_ptr<RowReader> open_base_rows(const std::string& file, const Cnf& model, const RowOptions& given);
std::vector<std::string> base_columns(const Cnf& model);

/// The next block, D x n; n = 0 at the end.
Batch next_block(RowReader& rows);

}  // namespace cnf
