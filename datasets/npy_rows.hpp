// NumPy's arrays as tables of rows.
#pragma once

#include <memory>
#include <string>

#include "base/byte_source.hpp"
#include "datasets/rows.hpp"

namespace cnf {

/// Rows of an .npy array, (N, D) or (N,), each a sample; of an array of records a column a field. `name` stands for it
/// in messages.
std::unique_ptr<RowReader> read_npy_rows(ByteSource bytes, std::string name, const RowOptions& options = {});

/// The same of the one array in an .npz archive; InputError naming the arrays if there are several.
std::unique_ptr<RowReader> read_npz_rows(ByteSource bytes, std::string name, const RowOptions& options = {});

}  // namespace cnf
