// Private to base/npy: what the header of a .npy file says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_source.hpp"

namespace cnf {

/// One number of an element of the array: of a plain array the element itself, of an array of records a field.
struct NpyField {
  std::string name;       ///< empty in a plain array; p.x of a record in a record, v1, v2, ... of an array in one
  char kind = 'f';        ///< f, i, u, or b for bool; others: no number
  std::uint8_t item = 8;  ///< its bytes, if it is a number
  bool swap = false;
  std::uint32_t offset = 0;  ///< within the element
  std::string trouble;       ///< why it is no number that can be read, and what to save instead; empty: it is one
};

struct NpyHeader {
  std::vector<NpyField> fields;
  bool records = false;
  std::size_t element = 8;  ///< bytes
  bool fortran = false;
  std::vector<std::int64_t> shape;
  std::uint64_t shape_at = 0;  ///< its byte in the file
};

/// A record has this many numbers at most.
inline constexpr std::uint64_t kMostNpyFields = std::uint64_t{1} << 17;

/// Reads magic string, version and dictionary. InputError names field and byte. A plain array of what is no number is
/// refused; of a record only Python objects are.
NpyHeader read_npy_header(ByteSource& source);

}  // namespace cnf
