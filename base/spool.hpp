// Numbers that are too many for memory, until they are wanted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace cnf {

/// Values in a file without a name, in the folder of the file they will become part of: gone with the process, however
/// it ends. Throws OutputError naming that file.
class Spool {
 public:
  explicit Spool(const std::filesystem::path& beside);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  void write(std::span<const double> values);  ///< after those that are there
  std::uint64_t count() const { return count_; }
  /// The values from number `at` on.
  void read(std::uint64_t at, std::span<double> out) const;

 private:
  [[noreturn]] void fail(int error) const;

  std::string name_;
  int file_ = -1;
  std::uint64_t count_ = 0;
};

}  // namespace cnf
