// ISO 32000-1. Images are written as they are drawn, in pieces; what the page does is kept until its end.
#include "tools/draw/pdf.hpp"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "base/number_text.hpp"
#include "tools/draw/font_subset.hpp"
#include "tools/draw/png.hpp"
#include "tools/draw/text.hpp"

namespace cnf {
namespace {

using Sink = std::function<void(std::string_view)>;

/// To a hundredth of a pixel, in plain decimals.
std::string number(double v) {
  const long hundredths = std::lround(std::clamp(v, -1e6, 1e6) * 100);
  std::string digits = std::to_string(std::labs(hundredths) + 1000).substr(1);
  if (std::labs(hundredths) >= 1000) digits = std::to_string(std::labs(hundredths));
  return (hundredths < 0 ? "-" : "") + digits.substr(0, digits.size() - 2) + "." + digits.substr(digits.size() - 2);
}

std::string hex(unsigned v, int digits) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) text += kDigits[v >> shift & 15];
  return text;
}

std::string utf16(char32_t c) {
  if (c < 0x10000) return hex(c, 4);
  return hex(0xd800 + ((c - 0x10000) >> 10), 4) + hex(0xdc00 + ((c - 0x10000) & 0x3ff), 4);
}

std::string deflated(std::string_view bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string out(size, '\0');
  if (compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
               static_cast<uLong>(bytes.size())) != Z_OK)
    throw std::bad_alloc();
  out.resize(size);
  return out;
}

class Pdf final : public Surface {
 public:
  Pdf(int width, int height, const Sink& sink) : sink_(sink), width_(width), height_(height) {
    send("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n");
    page_ = number(kPoints) + "000 0 0 -" + number(kPoints) + "000 0 " + number(kPoints * height) + " cm 1 j 1 J\n";
  }

  void fill(const Rect& r, Rgb colour, double alpha) override {
    if (r.w > 0 && r.h > 0) page_ += shown(colour, alpha) + box(r) + "re f\n";
  }

  void polygon(std::span<const Point> corners, Rgb colour, double alpha, const Rect& clip) override {
    const auto broken = [](const Point& p) { return !std::isfinite(p.x + p.y); };
    if (corners.empty() || std::any_of(corners.begin(), corners.end(), broken)) return;
    page_ += "q " + box(clip) + "re W n " + shown(colour, alpha) + pieces(corners) + "f* Q\n";
  }

  void polyline(std::span<const Point> path, double width, Rgb colour, double alpha, const Rect& clip) override {
    const std::string drawn = pieces(path);
    if (!drawn.empty())
      page_ += "q " + box(clip) + "re W n " + shown(colour, alpha) + number(width) + " w " + drawn + "S Q\n";
  }

  void discs(std::span<const Point> centres, double radius, Rgb colour, double alpha, const Rect& clip) override {
    page_ += "q " + box(clip) + "re W n " + shown(colour, alpha) + number(2 * radius) + " w\n";
    for (const Point& p : centres)  // a line of no length, with round ends
      if (std::isfinite(p.x + p.y)) page_ += at(p) + "m " + at(p) + "l S\n";
    page_ += "Q\n";
  }

  void text(int x, int y, std::string_view text, double size, Rgb colour, bool vertical) override {
    const TextExtent e = measure(text, size);
    const GlyphRun run = glyph_run(text);
    if (run.glyphs.empty()) return;
    const std::string em = number(crisp_size(size));
    page_ += "BT " + shown(colour, 1) + "/F 1 Tf ";
    page_ += vertical ? "0.00 -" + em + " -" + em + " 0.00 " + at({1.0 * x + e.ascent, y + e.width - 1.0})
                      : em + " 0.00 0.00 -" + em + " " + at({1.0 * x, 1.0 * y + e.ascent});
    page_ += "Tm [";
    for (std::size_t i = 0; i < run.glyphs.size(); ++i) {
      glyphs_.try_emplace(run.glyphs[i].number, run.glyphs[i]);
      page_ += "<" + hex(static_cast<unsigned>(run.glyphs[i].number), 4) + ">";
      if (const int kern = run.glyphs[i].advance - (run.at[i + 1] - run.at[i]); kern != 0)
        page_ += number(1000.0 * kern / kUnitsPerEm);
    }
    page_ += "] TJ ET\n";
  }

  void image(const Rect& where, const Paint& paint) override {
    const std::string size = "/Width " + std::to_string(where.w) + " /Height " + std::to_string(where.h);
    const int image = begin_object(), length = image + 1;
    send("<< /Type /XObject /Subtype /Image " + size +
         " /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors 3 "
         "/BitsPerComponent 8 /Columns " +
         std::to_string(where.w) + " >> /Length " + std::to_string(length) + " 0 R >>\nstream\n");
    const std::size_t begin = sent_;
    deflate_rows(
        where.w, where.h,
        [&](int y, int h) {
          Canvas band(where.w, h, {}, y);
          paint(band, {0, 0, where.w, where.h});
          return band;
        },
        [&](std::string_view bytes) { send(bytes); });
    const std::size_t end = sent_;
    send("\nendstream\nendobj\n");
    object(std::to_string(end - begin));
    images_.push_back(image);
    page_ += "q " + number(where.w) + " 0 0 -" + number(where.h) + " " + at({1.0 * where.x, 1.0 * where.bottom()}) +
             "cm /I" + std::to_string(image) + " Do Q\n";
  }

  void finish() {
    const int contents = stream("", page_);
    const std::string font = glyphs_.empty() ? "" : " /Font << /F " + reference(write_font()) + " >>";
    std::string states, drawn;
    for (const auto& [alpha, name] : alphas_)
      states += " /" + name + " << /ca " + share(alpha) + " /CA " + share(alpha) + " >>";
    for (const int image : images_) drawn += " /I" + std::to_string(image) + " " + reference(image);
    const int pages = begin_object() + 1;
    send("<< /Type /Page /Parent " + reference(pages) + " /MediaBox [0 0 " + number(kPoints * width_) + " " +
         number(kPoints * height_) + "] /Contents " + reference(contents) + " /Resources << /ExtGState <<" + states +
         " >> /XObject <<" + drawn + " >>" + font + " >> >>\nendobj\n");
    object("<< /Type /Pages /Kids [" + reference(pages - 1) + "] /Count 1 >>");
    const int catalog = object("<< /Type /Catalog /Pages " + reference(pages) + " >>");
    const std::size_t start = sent_;
    send("xref\n0 " + std::to_string(offsets_.size() + 1) + "\n0000000000 65535 f \n");
    for (const std::size_t offset : offsets_) send(std::to_string(offset + 10000000000).substr(1) + " 00000 n \n");
    send("trailer\n<< /Size " + std::to_string(offsets_.size() + 1) + " /Root " + reference(catalog) +
         " >>\nstartxref\n" + std::to_string(start) + "\n%%EOF\n");
  }

 private:
  static constexpr double kPoints = 0.75;  // a pixel

  static std::string reference(int object) { return std::to_string(object) + " 0 R"; }
  static std::string at(const Point& p) { return number(p.x) + " " + number(p.y) + " "; }
  static std::string box(const Rect& r) { return at({1.0 * r.x, 1.0 * r.y}) + at({1.0 * r.w, 1.0 * r.h}); }
  /// Of ten thousand.
  static std::string share(int n) { return n >= 10000 ? "1" : "0." + std::to_string(10000 + n).substr(1); }

  static std::string pieces(std::span<const Point> path) {
    std::string text;
    bool drawing = false;
    for (const Point& p : path) {
      const bool here = std::isfinite(p.x + p.y);
      if (here) text += at(p) + (drawing ? "l " : "m ");
      drawing = here;
    }
    return text;
  }

  /// The colour and weight of what comes next.
  std::string shown(Rgb colour, double alpha) {
    const int weight = static_cast<int>(std::lround(std::clamp(alpha, 0.0, 1.0) * 1e4));
    const std::string name = alphas_.try_emplace(weight, "G" + std::to_string(weight)).first->second;
    std::string rgb;
    for (const int v : {colour.r, colour.g, colour.b})
      rgb += share(static_cast<int>(std::lround(v / 255.0 * 1e4))) + " ";
    return "/" + name + " gs " + rgb + "rg " + rgb + "RG ";
  }

  void send(std::string_view bytes) {
    sink_(bytes);
    sent_ += bytes.size();
  }
  int begin_object() {
    offsets_.push_back(sent_);
    send(std::to_string(offsets_.size()) + " 0 obj\n");
    return static_cast<int>(offsets_.size());
  }
  int object(const std::string& value) {
    const int number = begin_object();
    send(value + "\nendobj\n");
    return number;
  }
  int stream(const std::string& entries, std::string_view bytes) {
    const std::string packed = deflated(bytes);
    const int number = begin_object();
    send("<< /Filter /FlateDecode /Length " + std::to_string(packed.size()) + entries + " >>\nstream\n");
    send(packed);
    send("\nendstream\nendobj\n");
    return number;
  }

  int write_font() {
    std::set<int> numbers;
    std::string widths, characters;
    for (const auto& [number_of, glyph] : glyphs_) {
      numbers.insert(number_of);
      widths += std::to_string(number_of) + " [" + number(1000.0 * glyph.advance / kUnitsPerEm) + "] ";
      characters += "1 beginbfchar\n<" + hex(static_cast<unsigned>(number_of), 4) + "> <" + utf16(glyph.character) +
                    ">\nendbfchar\n";
    }
    const std::string program = font_subset(numbers);
    const int file = stream(" /Length1 " + std::to_string(program.size()), program);
    const int unicode = stream("",
                               "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
                               "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
                               "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
                               "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n" +
                                   characters + "endcmap CMapName currentdict /CMap defineresource pop end end\n");
    const std::string name = "/CNFAAA+DejaVuSans";
    // Of the font, in thousandths of an em; symbolic, since its glyphs are called by number.
    const int descriptor = object("<< /Type /FontDescriptor /FontName " + name +
                                  " /Flags 4 /FontBBox [-1021 -463 1793 1232] /ItalicAngle 0 /Ascent 928 /Descent -236 "
                                  "/CapHeight 729 /StemV 80 /FontFile2 " +
                                  reference(file) + " >>");
    const int cid = object("<< /Type /Font /Subtype /CIDFontType2 /BaseFont " + name +
                           " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
                           "/CIDToGIDMap /Identity /FontDescriptor " +
                           reference(descriptor) + " /W [ " + widths + "] >>");
    return object("<< /Type /Font /Subtype /Type0 /BaseFont " + name + " /Encoding /Identity-H /DescendantFonts [" +
                  reference(cid) + "] /ToUnicode " + reference(unicode) + " >>");
  }

  const Sink& sink_;
  int width_, height_;
  std::size_t sent_ = 0;
  std::string page_;
  std::vector<std::size_t> offsets_;  ///< of object i + 1
  std::vector<int> images_;
  std::map<int, std::string> alphas_;  ///< in ten-thousandths, and what the page calls them
  std::map<int, Glyph> glyphs_;
};

}  // namespace

void encode_pdf(const Drawing& picture, const Sink& sink) {
  Pdf pdf(picture.width(), picture.height(), sink);
  picture.draw(pdf);
  pdf.finish();
}

}  // namespace cnf
