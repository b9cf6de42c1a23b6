// The lines of a text, one at a time, in bounded memory. Private to datasets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.hpp"
#include "base/types.hpp"

namespace cnf {

struct TextLine {
  std::string_view text;
  Index number = 0;  ///< in the file, from 1
};

/// Lines without their ends: LF, CR LF, CR CR LF (a CR LF that was translated twice), or CR alone; without the mark of
/// UTF-8. InputError for UTF-16 and for a line of more than 16 MiB.
class TextLines {
 public:
  TextLines(ByteSource bytes, std::string name) : bytes_(std::move(bytes)), name_(std::move(name)) {}

  /// The next line; its text lasts until the next call. False at the end.
  bool next(TextLine& line);
  /// The lines that `next` will give, up to so many, no more being read once they have so many bytes; they last until
  /// the next call.
  std::vector<TextLine> ahead(std::size_t most_lines, std::size_t most_bytes);

  const std::string& name() const { return name_; }

 private:
  struct Extent {
    std::size_t begin, end, next;
  };
  bool find(std::size_t begin, Index number, Extent& line);
  void fill(std::size_t& begin);
  void check_length(std::size_t length, Index number) const;
  TextLine at(const Extent& line, Index number) const;

  ByteSource bytes_;
  std::string name_, buffer_;
  std::size_t begin_ = 0;        ///< of the next line
  std::size_t lf_ = 0, cr_ = 0;  ///< the first of each from where was searched last; the buffer's size: none yet
  bool at_end_ = false;
  Index number_ = 0;  ///< of lines that `next` has given
};

}  // namespace cnf
