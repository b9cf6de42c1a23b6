#include "tools/draw/svg.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/number_text.hpp"
#include "base/utf8.hpp"
#include "tools/draw/png.hpp"
#include "tools/draw/text.hpp"

namespace cnf {
namespace {

using Sink = std::function<void(std::string_view)>;

/// To a hundredth of a pixel.
std::string svg_number(double v) { return shortest(std::round(std::clamp(v, -1e6, 1e6) * 100) / 100 + 0.0); }

std::string hex(Rgb c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "#";
  for (const int v : {c.r, c.g, c.b}) text += kDigits[v / 16], text += kDigits[v % 16];
  return text;
}

std::string attribute(std::string_view name, const std::string& value) {
  return ' ' + std::string(name) + "=\"" + value + '"';
}

std::string box(double x, double y, double w, double h) {
  return attribute("x", svg_number(x)) + attribute("y", svg_number(y)) + attribute("width", svg_number(w)) +
         attribute("height", svg_number(h));
}

std::string paint(std::string_view what, Rgb colour, double alpha) {
  std::string text = attribute(what, hex(colour));
  if (alpha < 1) text += attribute(std::string(what) + "-opacity", shortest(std::round(alpha * 1e4) / 1e4));
  return text;
}

/// As XML takes it: no control character, no byte that is not UTF-8.
std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    const std::string_view one = text.substr(0, std::max<std::size_t>(n, 1));
    if (n == 0)
      out += "\ufffd";
    else if (one == "&")
      out += "&amp;";
    else if (one == "<")
      out += "&lt;";
    else if (one == ">")
      out += "&gt;";
    else if (static_cast<unsigned char>(one[0]) < 0x20 || one == "\x7f" || one == "\ufffe" || one == "\uffff")
      out += ' ';
    else
      out += one;
    text.remove_prefix(one.size());
  }
  return out;
}

/// Bytes as text, RFC 4648, section 4.
class Base64 {
 public:
  explicit Base64(const Sink& sink) : sink_(sink) {}

  void add(std::string_view bytes) {
    std::string out;
    for (const char byte : bytes) {
      held_ = held_ << 8 | static_cast<unsigned char>(byte);
      if (++count_ == 3) put(out, 4);
    }
    sink_(out);
  }
  void finish() {
    if (count_ == 0) return;
    std::string out;
    const int digits = count_ + 1;
    held_ <<= 8 * (3 - count_);
    put(out, digits);
    sink_(out + std::string(static_cast<std::size_t>(4 - digits), '='));
  }

 private:
  void put(std::string& out, int digits) {
    static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < digits; ++i) out += kDigits[held_ >> (18 - 6 * i) & 63];
    held_ = 0, count_ = 0;
  }

  const Sink& sink_;
  unsigned held_ = 0;
  int count_ = 0;  ///< bytes held
};

class Svg final : public Surface {
 public:
  Svg(int width, int height, const Sink& sink) : sink_(sink) {
    const std::string w = std::to_string(width), h = std::to_string(height);
    sink_(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"" +
        attribute("width", w) + attribute("height", h) + attribute("viewBox", "0 0 " + w + ' ' + h) +
        " font-family=\"'DejaVu Sans', Verdana, Arial, sans-serif\">\n");
  }
  void finish() { sink_("</svg>\n"); }

  void fill(const Rect& r, Rgb colour, double alpha) override {
    if (r.w > 0 && r.h > 0)
      sink_("<rect" + box(r.x, r.y, r.w, r.h) + paint("fill", colour, alpha) + " shape-rendering=\"crispEdges\"/>\n");
  }

  void polygon(std::span<const Point> corners, Rgb colour, double alpha, const Rect& clip) override {
    if (corners.empty() || broken(corners)) return;
    const std::string cut = clipped(clip);
    sink_("<path" + attribute("d", pieces(corners) + 'Z') + paint("fill", colour, alpha) + " fill-rule=\"evenodd\"" +
          cut + "/>\n");
  }

  void polyline(std::span<const Point> path, double width, Rgb colour, double alpha, const Rect& clip) override {
    const std::string drawn = pieces(path);
    if (drawn.empty()) return;
    const std::string cut = clipped(clip);
    sink_("<path" + attribute("d", drawn) + " fill=\"none\"" + paint("stroke", colour, alpha) +
          attribute("stroke-width", svg_number(width)) + " stroke-linecap=\"round\" stroke-linejoin=\"round\"" + cut +
          "/>\n");
  }

  void discs(std::span<const Point> centres, double radius, Rgb colour, double alpha, const Rect& clip) override {
    const std::string cut = clipped(clip);
    sink_("<g" + paint("fill", colour, alpha) + cut + ">\n");
    const std::string r = attribute("r", svg_number(radius));
    for (const Point& p : centres)
      if (std::isfinite(p.x + p.y))
        sink_("<circle" + attribute("cx", svg_number(p.x)) + attribute("cy", svg_number(p.y)) + r + "/>\n");
    sink_("</g>\n");
  }

  void text(int x, int y, std::string_view text, double size, Rgb colour, bool vertical) override {
    const TextExtent e = measure(text, size);
    if (e.width == 0) return;
    const int at = vertical ? x + e.ascent : x, base = vertical ? y + e.width - 1 : y + e.ascent;
    std::string where = attribute("x", svg_number(at)) + attribute("y", svg_number(base));
    if (vertical)
      where = attribute("transform", "translate(" + svg_number(at) + ' ' + svg_number(base) + ") rotate(-90)");
    sink_("<text" + where + attribute("font-size", svg_number(crisp_size(size))) +
          attribute("textLength", std::to_string(e.width - 1)) + " lengthAdjust=\"spacingAndGlyphs\"" +
          paint("fill", colour, 1) + '>' + escaped(text) + "</text>\n");
  }

  void image(const Rect& where, const Paint& paint) override {
    sink_("<image" + box(where.x, where.y, where.w, where.h) +
          " preserveAspectRatio=\"none\" style=\"image-rendering:optimizeSpeed;image-rendering:pixelated\""
          " xlink:href=\"data:image/png;base64,");
    Base64 base64(sink_);
    encode_png(
        where.w, where.h,
        [&](int y, int h) {
          Canvas band(where.w, h, {}, y);
          paint(band, {0, 0, where.w, where.h});
          return band;
        },
        [&](std::string_view bytes) { base64.add(bytes); });
    base64.finish();
    sink_("\"/>\n");
  }

 private:
  static bool broken(std::span<const Point> path) {
    return std::any_of(path.begin(), path.end(), [](const Point& p) { return !std::isfinite(p.x + p.y); });
  }

  /// A path's data: the pieces between points that are not finite.
  static std::string pieces(std::span<const Point> path) {
    std::string text;
    bool drawing = false;
    for (std::size_t i = 0; i < path.size(); ++i) {
      const bool here = std::isfinite(path[i].x + path[i].y);
      if (here) text += (drawing ? 'L' : 'M') + svg_number(path[i].x) + ' ' + svg_number(path[i].y);
      drawing = here;
    }
    return text;
  }

  /// The attribute that cuts a shape off, its definition written when it is first needed.
  std::string clipped(const Rect& clip) {
    const auto known = std::find(clips_.begin(), clips_.end(), clip);
    const std::string id = "clip" + std::to_string(known - clips_.begin());
    if (known == clips_.end()) {
      clips_.push_back(clip);
      sink_("<clipPath" + attribute("id", id) + "><rect" + box(clip.x, clip.y, clip.w, clip.h) + "/></clipPath>\n");
    }
    return attribute("clip-path", "url(#" + id + ")");
  }

  const Sink& sink_;
  std::vector<Rect> clips_;
};

}  // namespace

void encode_svg(const Drawing& picture, const Sink& sink) {
  Svg svg(picture.width(), picture.height(), sink);
  picture.draw(svg);
  svg.finish();
}

}  // namespace cnf
