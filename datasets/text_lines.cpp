#include "datasets/text_lines.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/error.hpp"

namespace cnf {

namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;
constexpr std::size_t kMaxLine = std::size_t{1} << 24;

std::size_t position(std::string_view text, char c, std::size_t from) {
  const void* at = from < text.size() ? std::memchr(text.data() + from, c, text.size() - from) : nullptr;
  return at ? static_cast<std::size_t>(static_cast<const char*>(at) - text.data()) : text.size();
}

}  // namespace

bool TextLines::next(TextLine& line) {
  if (lf_ < begin_) lf_ = position(buffer_, '\n', begin_);
  if (begin_ <= cr_ && lf_ < cr_ && lf_ - begin_ <= kMaxLine &&
      number_ > 0) {  // most lines: what is below finds the same
    line = {{buffer_.data() + begin_, lf_ - begin_}, ++number_};
    begin_ = lf_ + 1;
    return true;
  }
  Extent extent{};
  if (!find(begin_, number_ + 1, extent)) return false;
  line = at(extent, ++number_);
  begin_ = extent.next;
  return true;
}

std::vector<TextLine> TextLines::ahead(std::size_t most_lines, std::size_t most_bytes) {
  std::vector<Extent> found;  // from begin_, since the buffer moves
  Extent line{};
  const auto number = [&] { return number_ + std::ssize(found) + 1; };
  for (std::size_t read = 0; found.size() < most_lines && read < most_bytes; read = found.back().next) {
    if (!find(begin_ + read, number(), line)) break;
    found.push_back({line.begin - begin_, line.end - begin_, line.next - begin_});
  }
  lf_ = position(buffer_, '\n', begin_);
  cr_ = position(buffer_, '\r', begin_);
  std::vector<TextLine> lines;
  for (const Extent& e : found)
    lines.push_back(
        at({begin_ + e.begin, begin_ + e.end, begin_ + e.next}, number_ + static_cast<Index>(lines.size()) + 1));
  return lines;
}

/// Finds the line that begins at `begin`, keeping what begins at begin_.
bool TextLines::find(std::size_t begin, Index number, Extent& line) {
  for (;;) {
    if (lf_ < begin) lf_ = position(buffer_, '\n', begin);
    if (cr_ < begin) cr_ = position(buffer_, '\r', begin);
    const std::size_t end = std::min(lf_, cr_), size = buffer_.size();
    if (!at_end_ && (end == size || (end == cr_ && end + 2 >= size))) {  // what follows a CR decides what it is
      check_length(size - begin, number);
      fill(begin);
      continue;
    }
    if (end == size && (begin == size || std::string_view(buffer_).substr(begin) == "\x1A")) return false;  // DOS's end
    check_length(end - begin, number);
    const auto is = [&](std::size_t i, char c) { return i < size && buffer_[i] == c; };
    const std::size_t more = end == cr_ && is(end + 1, '\n')                        ? 1
                             : end == cr_ && is(end + 1, '\r') && is(end + 2, '\n') ? 2
                                                                                    : 0;
    line = {begin, end, std::min(end + 1 + more, size)};
    return true;
  }
}

void TextLines::fill(std::size_t& begin) {
  const bool no_lf = lf_ == buffer_.size(), no_cr = cr_ == buffer_.size();
  buffer_.erase(0, begin_);
  begin -= begin_, lf_ -= begin_, cr_ -= begin_, begin_ = 0;
  const std::size_t left = buffer_.size(), chunk = std::max(kChunk, left);
  buffer_.resize(left + chunk);
  const std::size_t got = bytes_.read_some(std::as_writable_bytes(std::span(buffer_).subspan(left)));
  buffer_.resize(left + got);
  at_end_ = got < chunk;
  if (no_lf) lf_ = position(buffer_, '\n', left);
  if (no_cr) cr_ = position(buffer_, '\r', left);
}

void TextLines::check_length(std::size_t length, Index number) const {
  if (length > kMaxLine)
    throw InputError(name_ + ":" + std::to_string(number) + ": line is longer than 16 MiB, expected rows of numbers");
}

TextLine TextLines::at(const Extent& line, Index number) const {
  std::string_view text(buffer_.data() + line.begin, line.end - line.begin);
  if (number == 1) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const bool marked = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
    if (marked || (text.size() > 1 && (text[0] == '\0') != (text[1] == '\0')))  // every other byte of ASCII is 0
      throw InputError(name_ + ":1: text is UTF-16, expected UTF-8", "save the file as UTF-8");
  }
  return {text, number};
}

}  // namespace cnf
