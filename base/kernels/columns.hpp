// Matrices as kernels see them, and what becomes of what lies where a result goes.
#pragma once

#include "base/types.hpp"

namespace cnf::kernels {

/// A matrix in the caller's memory: column-major, neighbouring columns `ld` values apart.
template <class T>
struct Columns {
  T* data;
  Index rows, cols, ld;

  Columns(T* data_, Index rows_, Index cols_) : Columns(data_, rows_, cols_, rows_) {}
  Columns(T* data_, Index rows_, Index cols_, Index ld_) : data(data_), rows(rows_), cols(cols_), ld(ld_) {}
};

enum class Into {
  set,  ///< the result takes the place of what was there, which is not read
  add,  ///< the result is added to it: every sum begins there
};

}  // namespace cnf::kernels
