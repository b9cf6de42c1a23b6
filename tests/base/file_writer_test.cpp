#include "base/file_writer.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/file_ops.hpp"
#include "base/folder.hpp"
#include "base/safetensors.hpp"
#include "tests/base/failing_ops.hpp"
#include "tests/base/temporary_folder.hpp"

namespace cnf {
namespace {

namespace fs = std::filesystem;

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

/// The number of calls a whole write makes, found by failing call 1, 2, 3, ... until none is left to fail.
int fail_every_call(const TemporaryFolder& folder, const std::optional<std::string>& old, int error, bool for_ever,
                    bool unlink_works, bool nameless) {
  const fs::path path = folder / "model.bin";
  const std::string fresh(1000, 'n');
  const std::size_t descriptors = open_descriptors();
  for (int k = 1;; ++k) {
    fs::remove(path);
    if (old) put(path, *old);
    FailingOps ops;
    ops.error = error;
    ops.fail_at = k;
    ops.for_ever = for_ever;
    ops.unlink_works = unlink_works;
    ops.nameless = nameless;
    std::string message;
    {
      const Using shim(ops);
      message = message_of<OutputError>([&] {
        FileWriter writer(path, fresh.size());
        writer.write(std::string_view(fresh).substr(0, 600));
        writer.write(std::string_view(fresh).substr(600));
        writer.finish();
      });
    }
    CAPTURE(k, error, for_ever, unlink_works, nameless, message);
    const bool is_old = old ? fs::exists(path) && contents(path) == *old : !fs::exists(path);
    const bool is_new = fs::exists(path) && contents(path) == fresh;
    CHECK(open_descriptors() == descriptors);
    // A failing lock of the temporary, no file without a name, and a failing close of the folder alone are no reason to
    // say the file is not there.
    CHECK(message.empty() == (k >= 10 + nameless || (!for_ever && (k == 3 || (k == 2 && nameless)))));
    if (message.empty()) {
      CHECK(is_new);
    } else {
      CHECK((is_old || (is_new && message.find("written, but") != std::string::npos)));
      CHECK(message.find(path.native()) == 0);
      CHECK(message.find(std::strerror(error)) != std::string::npos);
    }
    // A temporary may stay only where removing it failed too.
    const std::size_t left = folder.names().size() - fs::exists(path);
    CHECK(left <= (unlink_works ? 0U : 1U));
    for (const std::string& name : folder.names())
      if (name != "model.bin") fs::remove(folder / name);
    if (ops.failed == 0) return k - 1;
  }
}

/// Simulates a power loss at call k: that call and all later ones do nothing, then whatever was not synced is lost.
struct PowerLossOps final : FileOps {
  struct Rename {
    std::string from, to;
    std::optional<std::string> old;
  };
  int lost_at, calls = 0;
  FileOps& os = system_file_ops();
  std::map<int, std::string> paths;  ///< "#3": a file that has no name
  std::set<std::string> dirty;
  std::vector<Rename> renames;
  std::set<std::string> links;  ///< names that no sync of their folder has kept yet

  explicit PowerLossOps(int k) : lost_at(k) {}
  bool dark() {
    errno = EIO;
    return ++calls >= lost_at;
  }
  int open(const char* path, int flags, mode_t mode) override {
    if (dark()) return -1;
    const int file = os.open(path, flags, mode);
    paths[file] = (flags & O_TMPFILE) == O_TMPFILE ? "#" + std::to_string(file) : path;
    return file;
  }
  ssize_t write(int file, const void* bytes, std::size_t n) override {
    if (dark()) return -1;
    dirty.insert(paths[file]);
    return os.write(file, bytes, n);
  }
  int fsync(int file) override {
    if (dark()) return -1;
    dirty.erase(paths[file]);
    if (fs::is_directory(paths[file])) renames.clear(), links.clear();
    return 0;
  }
  int link(int file, const char* path) override {
    if (dark()) return -1;
    if (dirty.erase(paths[file])) dirty.insert(path);
    links.insert(paths[file] = path);
    return os.link(file, path);
  }
  int close(int file) override {
    os.close(file);
    return dark() ? -1 : 0;
  }
  int rename(const char* from, const char* to) override {
    if (dark()) return -1;
    renames.push_back({from, to, fs::exists(to) ? std::optional(contents(to)) : std::nullopt});
    if (dirty.erase(from)) dirty.insert(to);
    return os.rename(from, to);
  }
  int unlink(const char* path) override { return dark() ? -1 : os.unlink(path); }
  int mkdir(const char* path, mode_t mode) override { return dark() ? -1 : os.mkdir(path, mode); }
  int rmdir(const char* path) override { return dark() ? -1 : os.rmdir(path); }
  int flock(int file, int operation) override { return dark() ? -1 : os.flock(file, operation); }
  int ftruncate(int file, off_t size) override { return dark() ? -1 : os.ftruncate(file, size); }

  /// What the disk holds afterwards: unsynced contents cut to `kept` of their length, unsynced renames done or not.
  void drop_unsynced(double kept, bool renames_done) {
    for (const std::string& path : dirty)
      if (fs::exists(path))
        fs::resize_file(path, static_cast<std::uintmax_t>(kept * static_cast<double>(fs::file_size(path))));
    if (renames_done) return;
    for (const Rename& step : renames) {
      fs::rename(step.to, step.from);
      if (step.old) put(step.to, *step.old);
    }
    for (const std::string& path : links) fs::remove(path);
  }
};

std::string checkpoint(float weight) {
  const std::vector<float> weights(100, weight);
  return safetensors_bytes({{}, {make_tensor<float>("w", {100}, weights)}});
}

}  // namespace

TEST_CASE("a failure of any call leaves the old file or the new one and no temporary", "[base][files]") {
  const TemporaryFolder folder;
  for (const int error : {EIO, ENOSPC, EDQUOT, EFBIG}) {
    for (const bool had_old : {true, false}) {
      const std::optional<std::string> old = had_old ? std::optional<std::string>("the old file") : std::nullopt;
      for (const bool nameless : {true, false}) {
        const int calls = fail_every_call(folder, old, error, false, true, nameless);
        // open folder, open, lock, write twice, sync, link, close, rename, sync folder, close folder
        CHECK(calls == 10 + nameless);
        CHECK(fail_every_call(folder, old, error, true, true, nameless) == calls);
        CHECK(fail_every_call(folder, old, error, true, false, nameless) == calls);
      }
    }
  }
}

TEST_CASE("a power loss at any call leaves an intact checkpoint", "[base][files]") {
  const TemporaryFolder folder;
  const fs::path path = folder / "model.safetensors";
  int k = 0, whole = 0;
  for (bool finished = false; !finished; ++k) {
    for (const double kept : {0.0, 0.5, 1.0}) {
      for (const bool renames_done : {true, false}) {
        put(path, checkpoint(1));
        PowerLossOps ops(k + 1);
        {
          const Using shim(ops);
          finished =
              message_of<OutputError>([&] { write_file(path, checkpoint(2)); }).empty() && ops.calls < ops.lost_at;
        }
        ops.drop_unsynced(kept, renames_done);
        CAPTURE(k, kept, renames_done);
        const float weight = values<float>(read_safetensors(path).tensors.at(0))[0];
        CHECK((weight == 2 || (weight == 1 && !finished)));
        ++whole;
        for (const std::string& name : folder.names()) fs::remove(folder / name);
      }
    }
  }
  CHECK(whole == 6 * 11);  // 10 calls, and the run without a loss
}

TEST_CASE("interrupted calls and short writes are carried on", "[base][files]") {
  const TemporaryFolder folder;
  const std::string bytes = checkpoint(3);
  for (int k = 1; k <= 10; ++k) {
    FailingOps ops;
    ops.error = EINTR;
    ops.fail_at = k;
    ops.longest_write = 7;
    std::string message;
    {
      const Using shim(ops);
      message = message_of<OutputError>([&] { write_file(folder / "f", bytes); });
    }
    CAPTURE(k);
    CHECK(message.empty());
    CHECK(contents(folder / "f") == bytes);
  }
}

TEST_CASE("a call that the system has no memory for is out of memory, and leaves the old file", "[base][files]") {
  const TemporaryFolder folder;
  put(folder / "f", "old");
  for (int k = 2; k <= 8; ++k) {  // up to the rename
    FailingOps ops;
    ops.error = ENOMEM;
    ops.fail_at = k;
    bool out_of_memory = false;
    {
      const Using shim(ops);
      try {
        write_file(folder / "f", std::string_view("new"));
      } catch (const std::bad_alloc&) {
        out_of_memory = true;
      }
    }
    CAPTURE(k);
    CHECK((out_of_memory || contents(folder / "f") == "new"));  // the temporary's lock may fail
    CHECK((!out_of_memory || contents(folder / "f") == "old"));
    CHECK(folder.names() == std::vector<std::string>{"f"});
    put(folder / "f", "old");
  }
}

TEST_CASE("a folder that cannot be synced by its nature is no failure", "[base][files]") {
  struct Ops final : FileOps {
    FileOps& os = system_file_ops();
    int open(const char* path, int flags, mode_t mode) override { return os.open(path, flags, mode); }
    ssize_t write(int file, const void* bytes, std::size_t n) override { return os.write(file, bytes, n); }
    int fsync(int) override { return errno = EINVAL, -1; }
    int close(int file) override { return os.close(file); }
    int link(int file, const char* path) override { return os.link(file, path); }
    int rename(const char* from, const char* to) override { return os.rename(from, to); }
    int unlink(const char* path) override { return os.unlink(path); }
    int mkdir(const char* path, mode_t mode) override { return os.mkdir(path, mode); }
    int rmdir(const char* path) override { return os.rmdir(path); }
    int flock(int file, int operation) override { return os.flock(file, operation); }
    int ftruncate(int file, off_t size) override { return os.ftruncate(file, size); }
  } ops;
  const TemporaryFolder folder;
  const Using shim(ops);
  CHECK_NOTHROW(write_file(folder / "f", std::string_view("x")));
}

TEST_CASE("a full disk is named with the size needed and the folder", "[base][files]") {
  const TemporaryFolder folder;
  FailingOps ops;
  ops.error = ENOSPC;
  ops.fail_at = 4;
  std::string message;
  {
    const Using shim(ops);
    message = message_of<OutputError>([&] { write_file(folder / "f", std::string(1234567, 'x')); });
  }
  CHECK(message == (folder / "f").native() + ": no space left: needed 1.2 MB in " +
                       fs::canonical(folder.path()).native() + " (No space left on device)");
  const auto needed = [](std::uint64_t bytes) {
    const std::string text = message_of<OutputError>([&] { FileWriter("/dev/full", bytes).write("x"); });
    return text.substr(0, text.find(" in "));
  };
  CHECK(needed(999) == "/dev/full: no space left: needed 999 bytes");
  CHECK(needed(1000) == "/dev/full: no space left: needed 1.0 kB");
  CHECK(needed(999960) == "/dev/full: no space left: needed 1.0 MB");
  CHECK(needed(1500000000) == "/dev/full: no space left: needed 1.5 GB");
}

TEST_CASE("a file size limit leaves the old file as it was", "[base][files]") {
  const TemporaryFolder folder;
  const fs::path path = folder / "f";
  put(path, "old");
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{20000, 20000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message = message_of<OutputError>([&] { write_file(path, std::string(50000, 'x')); });
    _exit(message.find("no space left: needed 50.0 kB in ") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(contents(path) == "old");
  CHECK(folder.names() == std::vector<std::string>{"f"});
}

TEST_CASE("a writer that is not finished leaves nothing", "[base][files]") {
  const TemporaryFolder folder;
  {
    FileWriter writer(folder / "f");
    writer.write("half");
    FileWriter moved = std::move(writer);
    CHECK(folder.names().size() <= 1);
    CHECK_THROWS_AS(writer.write("more"), std::invalid_argument);
  }
  CHECK(folder.names().empty());
  FileWriter writer(folder / "f");
  writer.write("whole");
  CHECK(!fs::exists(folder / "f"));
  writer.finish();
  CHECK(contents(folder / "f") == "whole");
  CHECK_THROWS_AS(writer.finish(), std::invalid_argument);
}

TEST_CASE("a link is followed and stays a link", "[base][files]") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "runs");
  put(folder / "runs/real", "old");
  fs::create_symlink("runs/middle", folder / "first");
  fs::create_symlink("real", folder / "runs/middle");
  write_file(folder / "first", std::string_view("new"));
  CHECK(fs::is_symlink(folder / "first"));
  CHECK(fs::is_symlink(folder / "runs/middle"));
  CHECK(contents(folder / "runs/real") == "new");

  fs::create_symlink("runs/not-yet", folder / "dangling");
  write_file(folder / "dangling", std::string_view("made"));
  CHECK(contents(folder / "runs/not-yet") == "made");

  fs::create_symlink("round", folder / "round");
  CHECK(message_of<OutputError>([&] {
          write_file(folder / "round", std::string_view("x"));
        }).find(std::strerror(ELOOP)) != std::string::npos);
}

TEST_CASE("a new file has the mode that the umask leaves", "[base][files]") {
  const TemporaryFolder folder;
  const mode_t before = umask(027);
  write_file(folder / "f", std::string_view("x"));
  umask(before);
  struct stat status {};
  stat((folder / "f").c_str(), &status);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("any name that the file system takes can be written", "[base][files]") {
  const TemporaryFolder folder;
  for (const std::string& name : {std::string(255, 'n'), std::string("a b'c\"d"), std::string("-o"),
                                  std::string("line\nbreak"), std::string("\xff\xfe"), std::string("\xc3\xa9")}) {
    write_file(folder / name, std::string_view("x"));
    CHECK(contents(folder / name) == "x");
  }
}

TEST_CASE("what cannot be a file is named on one line", "[base][files]") {
  const TemporaryFolder folder;
  put(folder / "file", "x");
  const auto refusal = [](const fs::path& path) {
    return message_of<OutputError>([&] { write_file(path, std::string_view("x")); });
  };
  CHECK(refusal(folder.path()).find("Is a directory") != std::string::npos);
  CHECK(refusal(folder / "no/such") == (folder / "no/such").native() + ": cannot write: No such file or directory");
  CHECK(refusal(folder / "file/f").find("Not a directory") != std::string::npos);
  CHECK(refusal(folder / "new/").find("Is a directory") != std::string::npos);
  CHECK(refusal(folder / std::string(256, 'n')).find("File name too long") != std::string::npos);
  CHECK(refusal("").find("the file name is empty") != std::string::npos);
  CHECK(refusal(folder / std::string("a\0b", 3)).find("holds a zero byte") != std::string::npos);
  CHECK(refusal(folder / "no\nsuch/x").find("no\\nsuch") != std::string::npos);
  CHECK(folder.names() == std::vector<std::string>{"file"});
}

TEST_CASE("devices and pipes are written straight", "[base][files]") {
  const TemporaryFolder folder;
  CHECK_NOTHROW(write_file("/dev/null", std::string_view("x")));
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  std::string got;
  std::thread reader([&] { got = contents(folder / "pipe"); });
  const std::string sent(200000, 'p');
  write_file(folder / "pipe", sent);
  reader.join();
  CHECK(got == sent);

  // As /dev/stdout sent to a file is: what others wrote there stays.
  put(folder / "out", "before ");
  const int file = ::open((folder / "out").c_str(), O_WRONLY | O_APPEND);
  write_file("/proc/self/fd/" + std::to_string(file), std::string_view("after"));
  write_file("/dev/fd/" + std::to_string(file), std::string_view("!"));
  FileWriter open_one(file, "standard output");
  open_one.write("!");
  open_one.finish();
  CHECK(::close(file) == 0);
  CHECK(contents(folder / "out") == "before after!!");

  const int full = ::open("/dev/full", O_WRONLY);
  FileWriter stream(full, "standard output");
  CHECK(message_of<OutputError>([&] { stream.write("x"); }) ==
        "standard output: no space left: needed 1 bytes (No space left on device)");
  CHECK(::close(full) == 0);
}

TEST_CASE("a folder is made with those above it", "[base][files]") {
  const TemporaryFolder folder;
  create_folder(folder / "a/b//c/");
  create_folder(folder / "a/b/c");
  CHECK(fs::is_directory(folder / "a/b/c"));
  put(folder / "file", "x");
  const auto refusal = [](const fs::path& path) { return message_of<OutputError>([&] { create_folder(path); }); };
  CHECK(refusal(folder / "file") == (folder / "file").native() + ": cannot make the folder: Not a directory");
  CHECK(refusal(folder / "file/in") == (folder / "file/in").native() + ": cannot make the folder: Not a directory");
  CHECK(refusal("").find("name is empty") != std::string::npos);
  for (int k = 1; k <= 8; ++k) {
    FailingOps ops;
    ops.error = ENOSPC;
    ops.fail_at = k;
    const Using shim(ops);
    const std::string text = refusal(folder / ("new" + std::to_string(k)) / "er");
    CAPTURE(k, text);
    // Each of the two levels: mkdir, open, sync, close of its parent; only mkdir decides.
    CHECK(text.empty() == (k != 1 && k != 5));
    CHECK((text.empty() || text.find(std::strerror(ENOSPC)) != std::string::npos));
  }
}

TEST_CASE("a folder is held by one process, which the other is told", "[base][files]") {
  const TemporaryFolder folder;
  const std::string own = "in use by process " + std::to_string(getpid());
  {
    FolderLock lock(folder.path());
    const FolderLock moved = std::move(lock);
    CHECK(message_of<OutputError>([&] { FolderLock(folder.path()); }) == folder.path().native() + ": " + own);
  }
  CHECK_NOTHROW(FolderLock(folder.path()));
  CHECK(message_of<OutputError>([&] { FolderLock(folder / "none"); }).find("No such file") != std::string::npos);
}

TEST_CASE("a lock or log that is a link, has another name, or is no file is refused, and what it names stays",
          "[base][files]") {
  const TemporaryFolder folder;
  put(folder / "precious", "text");
  const auto refused = [&] {
    CHECK(message_of<OutputError>([&] { FolderLock(folder.path()); }).find(".lock: is a link") != std::string::npos);
    CHECK(contents(folder / "precious") == "text");
    std::filesystem::remove(folder / ".lock");
  };
  std::filesystem::create_symlink("precious", folder / ".lock");
  refused();
  std::filesystem::create_symlink("absent", folder / ".lock");
  refused();
  CHECK_FALSE(std::filesystem::exists(folder / "absent"));
  std::filesystem::create_hard_link(folder / "precious", folder / ".lock");
  refused();
  REQUIRE(mkfifo((folder / ".lock").c_str(), 0600) == 0);  // opening it to write alone would wait for a reader
  refused();
  CHECK_THROWS_AS(open_own_file(folder / ".lock", O_WRONLY | O_DIRECTORY), OutputError);
  std::filesystem::create_symlink("round", folder / "round");
  const std::string circle = message_of<OutputError>([&] { open_own_file(folder / "round/log", O_WRONLY); });
  CHECK(circle == (folder / "round/log").native() + ": cannot be opened: " + std::strerror(ELOOP));
}

TEST_CASE("a file may take the place of a link, and then what the link named stays", "[base][files]") {
  const TemporaryFolder folder;
  put(folder / "precious", "text");
  std::filesystem::create_symlink("precious", folder / "link");
  write_file(folder / "link", std::string_view("new"), Links::replace);
  CHECK(contents(folder / "link") == "new");
  CHECK_FALSE(std::filesystem::is_symlink(folder / "link"));
  CHECK(contents(folder / "precious") == "text");
  std::filesystem::create_hard_link(folder / "precious", folder / "hard");
  write_file(folder / "hard", std::string_view("new"), Links::replace);
  CHECK(contents(folder / "precious") == "text");
  std::filesystem::create_directory(folder / "sub");
  CHECK_THROWS_AS(write_file(folder / "sub", std::string_view("new"), Links::replace), OutputError);
}

namespace {

/// The system's calls on a file system that has no files without names, or one that ends the process at a rename.
struct PlainOps final : FileOps {
  bool nameless = false, killed_at_rename = false;
  FileOps& os = system_file_ops();
  int open(const char* path, int flags, mode_t mode) override {
    if (!nameless && (flags & O_TMPFILE) == O_TMPFILE) return errno = EOPNOTSUPP, -1;
    return os.open(path, flags, mode);
  }
  ssize_t write(int file, const void* bytes, std::size_t n) override { return os.write(file, bytes, n); }
  int fsync(int) override { return 0; }
  int close(int file) override { return os.close(file); }
  int link(int file, const char* path) override { return os.link(file, path); }
  int rename(const char* from, const char* to) override {
    if (killed_at_rename) ::raise(SIGKILL);
    return os.rename(from, to);
  }
  int unlink(const char* path) override { return os.unlink(path); }
  int mkdir(const char* path, mode_t mode) override { return os.mkdir(path, mode); }
  int rmdir(const char* path) override { return os.rmdir(path); }
  int flock(int file, int operation) override { return os.flock(file, operation); }
  int ftruncate(int file, off_t size) override { return os.ftruncate(file, size); }
};

bool has_nameless_files(const TemporaryFolder& folder) {
  const int file = ::open(folder.path().c_str(), O_TMPFILE | O_WRONLY, 0600);
  return file >= 0 && ::close(file) == 0;
}

/// A process of its own that does `work` until it is killed, once it has said that it is ready.
template <class Work>
pid_t busy(const Work& work) {
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    try {
      work([&] { (void)!::write(ready[1], "x", 1); });
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    _exit(1);
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  ::close(ready[0]);
  ::close(ready[1]);
  return child;
}

void kill_it(pid_t child) {
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

}  // namespace

TEST_CASE("a killed process frees its folder and its temporaries are removed", "[base][files]") {
  const TemporaryFolder folder;
  PlainOps named;
  const Using shim(named);
  const pid_t child = busy([&](const auto& ready) {
    const FolderLock lock(folder.path());
    FileWriter writer(folder / "f");
    writer.write("half");
    ready();
    for (;;) pause();
  });
  CHECK(message_of<OutputError>([&] { FolderLock(folder.path()); }) ==
        folder.path().native() + ": in use by process " + std::to_string(child));
  remove_abandoned_temporaries(folder.path());
  CHECK(folder.names().size() == 2);  // the lock and the living writer's temporary
  kill_it(child);
  CHECK(folder.names().size() == 2);
  put(folder / ".cnf-notes.tmp", "not ours");
  put(folder / ".cnf-0123456789abcdef-x.tmp", "nor this");
  const FileWriter living(folder / "g");
  const FolderLock lock(folder.path());
  CHECK(folder.names().size() == 4);  // the lock, what is not ours, and our own living writer's
}

TEST_CASE("a killed writer leaves no temporary, or one that the next writer of the same file removes",
          "[base][files]") {
  const TemporaryFolder folder;
  const bool nameless = has_nameless_files(folder);
  for (const bool at_rename : {false, true}) {
    for (const bool named : {true, false}) {
      CAPTURE(at_rename, named);
      PlainOps ops;
      ops.nameless = !named;
      ops.killed_at_rename = at_rename;
      put(folder / "f", "old");
      const pid_t child = busy([&](const auto& ready) {
        const Using shim(ops);
        FileWriter writer(folder / "f");
        writer.write("half");
        ready();
        if (at_rename) writer.finish();
        for (;;) pause();
      });
      if (at_rename)
        waitpid(child, nullptr, 0);
      else
        kill_it(child);
      CHECK(contents(folder / "f") == "old");
      CHECK(folder.names().size() == (nameless && !named && !at_rename ? 1 : 2));
      write_file(folder / "g", std::string_view("another"));
      fs::remove(folder / "g");
      CHECK(folder.names().size() == (nameless && !named && !at_rename ? 1 : 2));
      write_file(folder / "f", std::string_view("new"));
      CHECK(folder.names() == std::vector<std::string>{"f"});
    }
  }
}

TEST_CASE("many writers of one file, some of them killed, leave it whole and nothing beside it", "[base][files]") {
  const TemporaryFolder folder;
  const auto is_whole = [](const std::string& text) {
    return text.size() == 3000 && text.find_first_not_of(text[0]) == text.npos;
  };
  for (const bool nameless : {false, true}) {
    PlainOps ops;
    ops.nameless = nameless;
    const Using shim(ops);
    write_file(folder / "f", std::string(3000, '.'));
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i)
      children.push_back(busy([&](const auto& ready) {
        for (int n = 0;; ++n) {
          FileWriter writer(folder / "f");
          writer.write(std::string(1000, static_cast<char>('a' + i)));
          writer.write(std::string(2000, static_cast<char>('a' + i)));
          writer.finish();
          if (n == 20) ready();
        }
      }));
    int torn = 0;
    for (int look = 0; look < 200; ++look) torn += !is_whole(contents(folder / "f"));
    for (const pid_t child : children) kill_it(child);
    CHECK(torn == 0);
    CHECK(is_whole(contents(folder / "f")));
    write_file(folder / "f", std::string(3000, 'z'));
    CHECK(contents(folder / "f") == std::string(3000, 'z'));
    remove_abandoned_temporaries(folder.path());
    CHECK(folder.names() == std::vector<std::string>{"f"});
  }
}

TEST_CASE("of two processes that start at once exactly one gets the folder, a hundred times", "[base][files]") {
  const TemporaryFolder folder;
  int wrong = 0;
  for (int race = 0; race < 100; ++race) {
    int verdict[2], release[2];
    REQUIRE((pipe(verdict) == 0 && pipe(release) == 0));
    pid_t children[2];
    for (pid_t& child : children) {
      child = fork();
      if (child != 0) continue;
      ::close(release[1]);
      std::string text = "lost";
      std::optional<FolderLock> lock;
      try {
        lock.emplace(folder.path());
        text = "won!";
      } catch (const OutputError& error) {
        if (std::string(error.what()).find("in use by process ") == std::string::npos) text = "odd!";
      }
      char byte;
      (void)!::write(verdict[1], text.data(), 4);
      (void)!::read(release[0], &byte, 1);  // until the parent lets go
      _exit(0);
    }
    char text[9] = {};
    for (int got = 0; got < 8;)
      got += static_cast<int>(::read(verdict[0], text + got, static_cast<std::size_t>(8 - got)));
    wrong += std::string(text) != "won!lost" && std::string(text) != "lostwon!";
    for (const int file : {release[1], release[0], verdict[0], verdict[1]}) ::close(file);
    for (const pid_t child : children) waitpid(child, nullptr, 0);
  }
  CHECK(wrong == 0);
}

}  // namespace cnf
