// NumPy's .npy arrays, read and written, whole or in rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/byte_source.hpp"
#include "base/file_writer.hpp"
#include "base/types.hpp"

namespace cnf {

struct NpyHeader;

/// A whole array as double: integers above 2^53 are rounded to the nearest.
struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;  ///< row-major: the last index runs fastest
};

/// Reads an array a few rows at a time, in memory that does not grow with the number of rows. (Of Fortran order from a
/// pipe, whose rows are complete at its end alone, up to 128 MiB are held.) Rows run along the first axis; the other
/// axes make up the columns; (N,) is N rows of one column and () one row of one. An array of records is N rows, its
/// columns are the fields.
/// Accepts versions 1 to 3, f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1 in either byte order and records of them, C and Fortran
/// order, pipes. Everything else, bytes missing and bytes left over included, is an InputError naming file, field and
/// byte. Of a record only Python objects are refused: other fields that are no numbers read as NaN, see `trouble`.
/// Source  NEP 1, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
class NpyReader {
 public:
  explicit NpyReader(const std::filesystem::path& path);
  explicit NpyReader(ByteSource source);
  ~NpyReader();
  NpyReader(NpyReader&&) noexcept;

  const std::vector<std::int64_t>& shape() const;
  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  std::size_t float_bytes() const;  ///< in which values were rounded: 2, 4 or 8, the least of all columns
  /// Of an array of records: the fields' names, one a column (p.x of a record in a record, v1, v2, ... of an array in
  /// one). Empty for others.
  std::vector<std::string> names() const;
  /// Why a column of a record is no number, "'<U8' holds text ..."; empty: it is one.
  const std::string& trouble(Index col) const;

  /// The next rows, as many as there are and `out` (row-major) has room for; 0: all have been read. The call that gives
  /// the last row checks that the file ends there.
  Index read_rows(std::span<double> out);
  /// All values, if none has been read: memory grows with what has arrived, not with what the header says. Of records
  /// (N, fields); InputError if one is no number.
  NpyArray read_all();

 private:
  void read_header();
  std::uint64_t data_bytes() const;
  void read_elements(std::span<double> out);
  void read_fortran(Index count, double* out);

  ByteSource source_;
  std::unique_ptr<NpyHeader> header_;
  bool scattered_ = false;  ///< columns lie apart, in Fortran order
  Index rows_ = 0, cols_ = 0, next_ = 0;
  std::uint64_t data_at_ = 0;
  std::vector<std::byte> piece_;
  std::vector<std::byte> buffer_;  ///< for Fortran order from a pipe: the whole array
};

NpyArray read_npy(const std::filesystem::path& path);
/// The same from memory; `file_name` is for messages.
NpyArray parse_npy(std::span<const std::byte> bytes, std::string_view file_name);

enum class NpyDtype { f4, f8 };

/// The bytes of a C-order, little-endian, version 1 file. values: row-major, rows * cols of them. `one_dimensional`
/// (cols = 1) writes shape (rows,) instead of (rows, cols). std::invalid_argument: the sizes do not fit.
std::string npy_bytes(Index rows, Index cols, std::span<const double> values, NpyDtype dtype,
                      bool one_dimensional = false);

/// The same into a file, in pieces: whole or not at all, as everything FileWriter writes.
class NpyWriter {
 public:
  NpyWriter(const std::filesystem::path& path, Index rows, Index cols, NpyDtype dtype, bool one_dimensional = false);
  /// Into a writer the caller opened, to which nothing has been written yet.
  NpyWriter(FileWriter file, Index rows, Index cols, NpyDtype dtype, bool one_dimensional = false);

  /// The next values, row-major; std::invalid_argument if they are more than were announced.
  void write(std::span<const double> values);
  /// std::invalid_argument if values are missing. Destroyed without `finish`, nothing is left.
  void finish();

 private:
  FileWriter file_;
  NpyDtype dtype_;
  std::uint64_t missing_ = 0;  ///< values still to come
};

}  // namespace cnf
