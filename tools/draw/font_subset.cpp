// The format: https://learn.microsoft.com/typography/opentype/spec/otff, tables glyf, head, hhea, hmtx, loca, maxp.
#include "tools/draw/font_subset.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "tools/draw/text.hpp"

namespace cnf {
namespace {

std::uint32_t number(std::string_view bytes, std::size_t at, int size) {
  if (at + static_cast<std::size_t>(size) > bytes.size()) throw std::logic_error("font_subset: the font is cut short");
  std::uint32_t n = 0;
  for (int i = 0; i < size; ++i) n = n << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return n;
}

void append(std::string& bytes, std::uint32_t n, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) bytes += static_cast<char>(n >> shift & 255);
}

std::map<std::string, std::string_view> tables_of(std::string_view font) {
  std::map<std::string, std::string_view> tables;
  for (std::size_t i = 0, count = number(font, 4, 2); i < count; ++i) {
    const std::size_t row = 12 + 16 * i;
    tables[std::string(font.substr(row, 4))] = font.substr(number(font, row + 8, 4), number(font, row + 12, 4));
  }
  return tables;
}

/// Sums of 32-bit words, as the directory wants them.
std::uint32_t checksum(std::string_view table) {
  std::string padded(table);
  padded.resize((table.size() + 3) / 4 * 4);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < padded.size(); i += 4) sum += number(padded, i, 4);
  return sum;
}

std::string font_file(const std::map<std::string, std::string>& tables) {
  const auto count = static_cast<std::uint32_t>(tables.size());
  std::uint32_t power = 1, log = 0;
  while (2 * power <= count) power *= 2, ++log;
  std::string file, body;
  append(file, 0x00010000, 4);
  for (const std::uint32_t n : {count, 16 * power, log, 16 * (count - power)}) append(file, n, 2);
  for (const auto& [tag, table] : tables) {
    file += tag;
    for (const std::size_t n : {std::size_t{checksum(table)}, 12 + 16 * tables.size() + body.size(), table.size()})
      append(file, static_cast<std::uint32_t>(n), 4);
    body += table;
    body.resize((body.size() + 3) / 4 * 4);
  }
  return file + body;
}

}  // namespace

std::string font_subset(const std::set<int>& glyphs) {
  const auto tables = tables_of(font_bytes());
  const std::string_view head = tables.at("head"), loca = tables.at("loca"), glyf = tables.at("glyf");
  const std::size_t entry = number(head, 50, 2) == 0 ? 2 : 4, count = number(tables.at("maxp"), 4, 2);
  const auto offset = [&](std::size_t glyph) {
    return std::size_t{number(loca, entry * glyph, static_cast<int>(entry))} * (entry == 2 ? 2 : 1);
  };
  const auto outline = [&](int glyph) {
    const std::size_t from = offset(static_cast<std::size_t>(glyph)), to = offset(static_cast<std::size_t>(glyph) + 1);
    return glyf.substr(from, to - from);
  };

  std::set<int> kept{0};  // .notdef
  std::vector<int> open(glyphs.begin(), glyphs.end());
  while (!open.empty()) {
    const int glyph = open.back();
    open.pop_back();
    if (!kept.insert(glyph).second || outline(glyph).empty() || number(outline(glyph), 0, 2) < 0x8000) continue;
    constexpr unsigned kWords = 1, kScale = 8, kMore = 32, kTwoScales = 64, kMatrix = 128;
    for (std::size_t at = 10, flags = kMore; (flags & kMore) != 0;) {  // made of others
      flags = number(outline(glyph), at, 2);
      open.push_back(static_cast<int>(number(outline(glyph), at + 2, 2)));
      at += 4 + ((flags & kWords) != 0 ? 4 : 2);
      at += (flags & kScale) != 0 ? 2 : (flags & kTwoScales) != 0 ? 4 : (flags & kMatrix) != 0 ? 8 : 0;
    }
  }

  std::map<std::string, std::string> out;
  for (const char* tag : {"head", "hhea", "maxp", "hmtx", "cvt ", "fpgm", "prep"})
    if (const auto found = tables.find(tag); found != tables.end()) out[tag] = found->second;
  std::fill_n(out["head"].begin() + 8, 4, '\0');  // the whole file's checksum
  out["head"][51] = 1;                            // offsets of 4 bytes
  const std::size_t full = number(tables.at("hhea"), 34, 2);
  for (std::size_t glyph = 0; glyph < count; ++glyph) {
    const bool used = kept.contains(static_cast<int>(glyph));
    append(out["loca"], static_cast<std::uint32_t>(out["glyf"].size()), 4);
    if (used) out["glyf"] += outline(static_cast<int>(glyph));
    out["glyf"].resize((out["glyf"].size() + 3) / 4 * 4);
    const std::size_t at = glyph < full ? 4 * glyph : 4 * full + 2 * (glyph - full);
    if (!used) std::fill_n(out["hmtx"].begin() + static_cast<std::ptrdiff_t>(at), glyph < full ? 4 : 2, '\0');
  }
  append(out["loca"], static_cast<std::uint32_t>(out["glyf"].size()), 4);
  std::string file = font_file(out);
  const std::uint32_t adjustment = 0xb1b0afba - checksum(file);
  for (const auto& [tag, table] : tables_of(file))
    if (tag == "head") {
      std::string word;
      append(word, adjustment, 4);
      file.replace(static_cast<std::size_t>(table.data() - file.data()) + 8, 4, word);
    }
  return file;
}

}  // namespace cnf
