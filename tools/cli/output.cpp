#include "tools/cli/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

[[noreturn]] void stdout_failed(int error) {
  std::clearerr(stdout);
  if (error == EPIPE) throw PipeClosed{};
  throw OutputError(std::string("standard output: ") + std::strerror(error),
                    error == ENOSPC || error == EFBIG ? "free some space, or write elsewhere with -o" : "");
}

std::string octal(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return {'\\', static_cast<char>('0' + (byte >> 6)), static_cast<char>('0' + (byte >> 3 & 7)),
          static_cast<char>('0' + (byte & 7))};
}

}  // namespace

void write_stdout(std::string_view bytes) {
  errno = 0;
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) stdout_failed(errno);
}

void flush_stdout() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) stdout_failed(errno ? errno : EIO);
}

void write_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+,:@%-";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  if (is_name(text)) {
    std::string word = "'";
    for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
  }
  std::string word = "$'";
  for (const char c : text) {
    const std::string_view one(&c, 1);
    if (c == '\'' || c == '\\')
      word.append("\\").append(one);
    else
      word += is_name(one) ? std::string(one) : octal(c);
  }
  return word + "'";
}

void refuse_overwrite(const std::filesystem::path& path, bool force) {
  if (path == "-") return;
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::none) throw OutputError(path.string() + ": " + error.message());
  if (!std::filesystem::exists(status)) {
    std::filesystem::path folder = path.has_filename() ? path.parent_path() : path.parent_path().parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder, error) && std::filesystem::exists(folder, error)) {
      throw OutputError(path.string() + ": " + folder.string() + " is a file, not a folder");
    }
    return;
  }
  if (force) return;
  bool in_the_way = std::filesystem::is_regular_file(status);
  if (std::filesystem::is_directory(status)) {
    in_the_way = !std::filesystem::is_empty(path, error);
    if (error) throw OutputError(path.string() + ": " + error.message());
  }
  if (in_the_way) throw OutputError(path.string() + " exists; use --force");
}

bool colour_wanted(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (!no_color || !*no_color) && term && *term && std::strcmp(term, "dumb") != 0 && ::isatty(fd) == 1;
}

int terminal_width(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  int width = 80;
  if (const char* text = std::getenv("COLUMNS")) {
    int x = 0;
    const char* end = text + std::strlen(text);
    const auto result = std::from_chars(text, end, x);
    if (result.ec == std::errc() && result.ptr == end && x > 0) width = x;
  }
  return width;
}

}  // namespace cnf
