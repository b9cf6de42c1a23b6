// Standard output and error, checked; what may be overwritten; what the terminal can show.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace cnf {

/// Thrown by write_stdout when the reader of the pipe has gone (`cnf sample ... | head`). Not an error: the program
/// ends quietly with code 0, and files already written stay.
struct PipeClosed {};

/// Writes to standard output, buffered. Throws OutputError with the system's reason, or PipeClosed.
void write_stdout(std::string_view bytes);
/// Sends out what is buffered. Throws like write_stdout.
void flush_stdout();
/// Writes to standard error at once; failures are ignored, for there is nowhere left to report them.
void write_stderr(std::string_view text);

/// A left-aligned cell of a printed table: filled up with blanks, one at least.
std::string padded(std::string text, std::size_t width);
/// The text as one word of a shell, on one line: $'...' with numbers for what cannot be shown.
std::string shell_word(const std::string& text);

/// Throws OutputError "runs/8g exists; use --force" if `path` is a file or a folder with something in it and `force`
/// is false; with or without force, if the path cannot be: below a file, or not to be looked at. Devices, pipes and "-"
/// are never in the way.
void refuse_overwrite(const std::filesystem::path& path, bool force);

/// True if `fd` is a terminal that shows colours and the user has not set NO_COLOR.
bool colour_wanted(int fd);
/// Columns of the terminal behind `fd`, or $COLUMNS, or 80.
int terminal_width(int fd);

}  // namespace cnf
