// Files packed in memory, for the tests of what unpacks them: by gzip, and as zip archives of every dress.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace cnf {

/// By zlib's windowBits: 31 is gzip, -15 bare deflate.
inline std::string packed(const std::string& text, int window_bits = 31) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

/// Little-endian.
inline std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

struct Zip {
  bool deflated = true, wide = false, descriptor = false;  ///< wide: 64-bit sizes; descriptor: sizes behind the data
  std::string comment{};
  unsigned method = 8, flags = 0;  ///< of members that are deflated

  std::string operator()(const std::vector<std::pair<std::string, std::string>>& members) const {
    std::string out, directory;
    for (const auto& [name, content] : members) {
      const std::string data = deflated ? packed(content, -15) : content;
      const auto sum = crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
      const std::string how = number(flags | (descriptor ? 8U : 0U), 2) + number(deflated ? method : 0, 2) +
                              number(0, 4) + number(descriptor ? 0 : sum, 4);
      const std::string sizes = wide ? std::string(8, '\xff') : number(data.size(), 4) + number(content.size(), 4);
      const std::string sizes64 = number(content.size(), 8) + number(data.size(), 8);
      const std::string extra = wide ? number(1, 2) + number(16, 2) + sizes64 : "";
      const std::uint64_t at = out.size();
      out += "PK\3\4" + number(45, 2) + how + (descriptor ? number(0, 8) : sizes) + number(name.size(), 2) +
             number(extra.size(), 2) + name + extra + data;
      if (descriptor) out += "PK\7\x8" + number(sum, 4) + number(data.size(), 4) + number(content.size(), 4);
      const std::string extra64 =
          wide ? number(0x7777, 2) + number(2, 2) + "??" + number(1, 2) + number(24, 2) + sizes64 + number(at, 8) : "";
      directory += "PK\1\2" + number(45, 2) + number(45, 2) + how.substr(0, 8) + number(sum, 4) + sizes +
                   number(name.size(), 2) + number(extra64.size(), 2) + number(3, 2) + number(0, 8) +
                   (wide ? std::string(4, '\xff') : number(at, 4)) + name + extra64 + "why";
    }
    const std::uint64_t at = out.size(), n = members.size();
    out += directory;
    if (wide) {
      const std::uint64_t record = out.size();
      out += "PK\6\6" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) + number(n, 8) + number(n, 8) +
             number(directory.size(), 8) + number(at, 8);
      out += "PK\6\7" + number(0, 4) + number(record, 8) + number(1, 4);
    }
    const std::uint64_t n16 = wide ? 0xffff : n;
    out += "PK\5\6" + number(0, 4) + number(n16, 2) + number(n16, 2) +
           (wide ? std::string(8, '\xff') : number(directory.size(), 4) + number(at, 4)) + number(comment.size(), 2) +
           comment;
    return out;
  }
};

}  // namespace cnf
