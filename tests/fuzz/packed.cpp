// Packed bytes: what gzip has packed, zip archives and their members, and the array in one.
#include "base/inflate.hpp"
#include "base/zip.hpp"
#include "datasets/npy_rows.hpp"
#include "datasets/table.hpp"
#include "tests/fuzz/target.hpp"

using namespace cnf;

namespace {

constexpr UnpackLimit kLimit{.free_bytes = 1 << 20, .ratio = 200};

std::string all_of(ByteSource bytes, std::size_t size) {
  std::string out, piece(size, '\0');
  while (const std::size_t n = bytes.read_some(std::as_writable_bytes(std::span(piece)))) out.append(piece, 0, n);
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::bytes(data, size);
  const auto source = [&] { return ByteSource(input, "input"); };
  fuzz::accepts([&] {
    const std::string all = all_of(unpacked(source(), kLimit), 4096);
    fuzz::require(kLimit.allows(all.size(), size), "no more comes out than is allowed");
    fuzz::require(all == all_of(unpacked(source(), kLimit), 61), "the pieces that bytes come in do not change them");
  });
  std::vector<ZipMember> members;
  fuzz::accepts([&] { members = zip_members(source()); });
  for (std::size_t i = 0; i < std::min<std::size_t>(members.size(), 8); ++i) {
    std::string all;
    if (!fuzz::accepts([&] { all = all_of(open_zip_member(source(), members[i], kLimit), 61); })) continue;
    fuzz::require(all.size() == members[i].size, "a member is as long as the directory says");
  }
  if (members.size() == 1 && members[0].size < (1 << 20))
    fuzz::accepts([&] {
      const Table table = read_table(*read_npz_rows(source(), "input", {.drop_invalid = true}));
      fuzz::require(table.values.allFinite(), "only finite numbers are read");
    });
  return 0;
}
