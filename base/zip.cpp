// Numbers are little-endian. Whatever the directory says of places and sizes is held against the archive's size before
// it is used; a member's own header is only asked how long it is.
#include "base/zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

constexpr std::uint32_t kMemberHeader = 0x04034b50, kDirectoryEntry = 0x02014b50, kEnd = 0x06054b50,
                        kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr std::uint64_t kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56, kEntryBytes = 46, kHeaderBytes = 30;
constexpr std::uint64_t kMostDirectory = std::uint64_t{1} << 24, kMostMembers = 65536;
constexpr std::uint64_t kInExtra16 = 0xffff, kInExtra32 = 0xffffffff;  ///< the value stands in 64 bits elsewhere

template <class T>
T number(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}
std::uint64_t u16(std::span<const std::byte> bytes, std::size_t at) { return number<std::uint16_t>(bytes, at); }
std::uint32_t u32(std::span<const std::byte> bytes, std::size_t at) { return number<std::uint32_t>(bytes, at); }
std::uint64_t u64(std::span<const std::byte> bytes, std::size_t at) { return number<std::uint64_t>(bytes, at); }

struct Directory {
  std::uint64_t at = 0, bytes = 0, members = 0;
};

/// From the record at the archive's end, behind which a comment may stand.
Directory find_directory(const ByteSource& archive) {
  const std::uint64_t size = *archive.size();
  if (size < kEndBytes) archive.fail("no zip archive: it is too short", 0);
  std::vector<std::byte> tail(std::min<std::uint64_t>(size, kEndBytes + 65535));
  const std::uint64_t tail_at = size - tail.size();
  archive.read_at(tail_at, tail, "the archive's end");
  std::size_t end = tail.size() - kEndBytes + 1;
  do {
    if (end-- == 0) archive.fail("no zip archive, or one that is cut short: it has no directory", size);
  } while (u32(tail, end) != kEnd || u16(tail, end + 20) != tail.size() - end - kEndBytes);
  const std::span<const std::byte> record = std::span(tail).subspan(end);
  Directory found{u32(record, 16), u32(record, 12), u16(record, 10)};
  if (u16(record, 4) != 0 || u16(record, 6) != 0 || u16(record, 8) != found.members)
    if (u16(record, 4) != kInExtra16) archive.fail("an archive in several parts", tail_at + end);
  if (found.at != kInExtra32 && found.bytes != kInExtra32 && found.members != kInExtra16) return found;
  // The 64-bit record stands where the locator before this one says.
  if (tail_at + end < kLocatorBytes) archive.fail("its 64-bit directory is missing", 0);
  std::byte locator[kLocatorBytes], record64[kEnd64Bytes];
  archive.read_at(tail_at + end - kLocatorBytes, locator, "the directory's place");
  if (u32(locator, 0) != kLocator64) return found;  // it just happens to be that large
  archive.read_at(u64(locator, 8), record64, "the 64-bit directory's record");
  if (u32(record64, 0) != kEnd64) archive.fail("its 64-bit directory is damaged", u64(locator, 8));
  return {u64(record64, 48), u64(record64, 40), u64(record64, 32)};
}

/// Sizes and place that do not fit 32 bits, from the field of the extra ones that holds them.
void take_extra(const ByteSource& archive, std::span<const std::byte> extra, ZipMember& member, std::uint64_t at) {
  std::uint64_t* const wide[] = {&member.size, &member.packed, &member.at};
  while (extra.size() >= 4) {
    const std::size_t length = u16(extra, 2);
    if (length > extra.size() - 4) return;
    std::span<const std::byte> values = extra.subspan(4, length);
    if (u16(extra, 0) == 1) {
      for (std::uint64_t* value : wide) {
        if (*value != kInExtra32) continue;
        if (values.size() < 8) archive.fail("a member's sizes are missing", at);
        *value = u64(values, 0);
        values = values.subspan(8);
      }
      return;
    }
    extra = extra.subspan(4 + length);
  }
}

/// Where it stands, piece by piece.
class Stored final : public ByteStream {
 public:
  Stored(ByteSource archive, std::uint64_t at, std::uint64_t bytes)
      : archive_(std::move(archive)), at_(at), left_(bytes) {}
  std::size_t read_some(std::span<std::byte> out) override {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left_));
    if (n > 0) archive_.read_at(at_, out.first(n), "a member");
    at_ += n;
    left_ -= n;
    return n;
  }

 private:
  ByteSource archive_;
  std::uint64_t at_, left_;
};

/// Compares length and checksum when the end is reached.
class Checked final : public ByteStream {
 public:
  Checked(std::string name, const ZipMember& member, std::unique_ptr<ByteStream> stored,
          std::unique_ptr<Inflate> inflate)
      : name_(std::move(name)), member_(member), stored_(std::move(stored)), inflate_(std::move(inflate)) {}

  std::size_t read_some(std::span<std::byte> out) override {
    if (out.empty()) return 0;
    const std::size_t n = inflate_ ? inflate_->read_some(out) : stored_->read_some(out);
    given_ += n;
    if (given_ > member_.size || (n == 0 && given_ < member_.size))
      fail("unpacks to " + std::string(n == 0 ? "fewer" : "more") + " bytes than its " + std::to_string(member_.size));
    checksum_ = static_cast<std::uint32_t>(
        crc32_z(checksum_, reinterpret_cast<const Bytef*>(out.data()), static_cast<z_size_t>(n)));
    if (n == 0 && checksum_ != member_.checksum) fail("damaged: its checksum does not match");
    return n;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw InputError(name_ + ": " + what); }

  std::string name_;
  ZipMember member_;
  std::unique_ptr<ByteStream> stored_;
  std::unique_ptr<Inflate> inflate_;
  std::uint64_t given_ = 0;
  std::uint32_t checksum_ = 0;
};

}  // namespace

std::vector<ZipMember> zip_members(const ByteSource& archive) {
  if (!archive.size()) throw InputError(archive.name() + ": a zip archive is read from a file, not from a pipe");
  const Directory directory = find_directory(archive);
  if (directory.bytes > kMostDirectory || directory.members > kMostMembers)
    archive.fail("a directory of " + std::to_string(directory.members) + " members, at most 65536 are read",
                 directory.at);
  std::vector<std::byte> all(directory.bytes);
  archive.read_at(directory.at, all, "the directory");
  std::vector<ZipMember> members;
  std::span<const std::byte> left(all);
  const auto place = [&] { return directory.at + (all.size() - left.size()); };
  while (members.size() < directory.members) {
    if (left.size() < kEntryBytes || u32(left, 0) != kDirectoryEntry) archive.fail("the directory is damaged", place());
    const std::size_t name = u16(left, 28), extra = u16(left, 30), comment = u16(left, 32);
    if (left.size() - kEntryBytes < name + extra + comment) archive.fail("the directory is damaged", place());
    ZipMember member{.method = static_cast<unsigned>(u16(left, 10)),
                     .flags = static_cast<unsigned>(u16(left, 8)),
                     .packed = u32(left, 20),
                     .size = u32(left, 24),
                     .checksum = u32(left, 16),
                     .at = u32(left, 42)};
    const auto text = left.subspan(kEntryBytes, name);
    member.name = printable({reinterpret_cast<const char*>(text.data()), text.size()}, 200);
    take_extra(archive, left.subspan(kEntryBytes + name, extra), member, place());
    members.push_back(std::move(member));
    left = left.subspan(kEntryBytes + name + extra + comment);
  }
  return members;
}

ByteSource open_zip_member(ByteSource archive, const ZipMember& member, const UnpackLimit& limit) {
  const std::string name = archive.name() + ": " + member.name;
  if ((member.flags & 1U) != 0) throw InputError(name + ": is encrypted, which is not read");
  if (member.method != 0 && member.method != 8)
    throw InputError(
        name + ": is packed by method " + std::to_string(member.method) + ", expected deflate (8) or none (0)",
        "save it by np.savez or np.savez_compressed");
  std::byte header[kHeaderBytes];
  archive.read_at(member.at, header, "a member's header");
  if (u32(header, 0) != kMemberHeader) archive.fail("a member's header is damaged", member.at);
  const std::uint64_t at = member.at + kHeaderBytes + u16(header, 26) + u16(header, 28);
  if (at > *archive.size() || member.packed > *archive.size() - at)
    archive.fail("truncated: a member takes " + std::to_string(member.packed) + " bytes, the file ends",
                 *archive.size());
  if (member.method == 0 && member.packed != member.size) archive.fail("a member has two lengths", member.at);
  if (!limit.allows(member.size, member.packed))
    throw InputError(name + ": unpacks to " + std::to_string(member.size) + " bytes, more than " +
                         std::to_string(limit.ratio) + " times its size",
                     kUnpackHelp);
  const std::string inner = archive.name();
  auto stored = std::make_unique<Stored>(std::move(archive), at, member.packed);
  std::unique_ptr<Inflate> inflate;
  if (member.method == 8) inflate = std::make_unique<Inflate>(ByteSource(std::move(stored), inner), -15);
  return ByteSource(std::make_unique<Checked>(name, member, std::move(stored), std::move(inflate)), name);
}

}  // namespace cnf
