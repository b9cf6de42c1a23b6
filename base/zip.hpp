// Archives of the kind zip, as numpy.savez writes them: what is in them, and a member's bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_source.hpp"
#include "base/inflate.hpp"

namespace cnf {

struct ZipMember {
  std::string name{};  ///< printable, with its folders
  unsigned method = 0, flags = 0;
  std::uint64_t packed = 0, size = 0;  ///< bytes
  std::uint32_t checksum = 0;
  std::uint64_t at = 0;  ///< where its own header begins
};

/// All members, from the archive's directory, in its order. The size of `archive` has to be known: a file, not a pipe.
/// Of at most 64 Ki members; archives in several parts are refused. InputError says what is wrong, and where.
/// Source  PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.5.3.
std::vector<ZipMember> zip_members(const ByteSource& archive);

/// The bytes of a member, stored or deflated, as if from a pipe; at the end their checksum is compared. InputError for
/// other methods and for encrypted members.
ByteSource open_zip_member(ByteSource archive, const ZipMember& member, const UnpackLimit& limit = {});

}  // namespace cnf
