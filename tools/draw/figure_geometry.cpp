// Tick labels decide the margins, margins the plot, the plot the ticks. What is kept free for labels (x_text_, y_text,
// note_line_) only grows from round to round, so that the rounds end.
#include "tools/draw/figure_geometry.hpp"

namespace cnf {

std::string with_note(const std::string& label, const std::string& note) {
  return note.empty() ? label : label.empty() ? note : label + " (" + note + ")";
}

namespace {

/// Along x: what lies left of the first plot, behind each, and behind all together.
struct Across {
  int left = 0, between = 0;
  std::vector<int> after;  ///< a column each: from a plot's right edge to the end of what belongs to it
};

/// Along y: what lies over the first plot, between two, and outside all together.
struct Down {
  int top = 0, row_gap = 0, other = 0;
};

class Fit {
 public:
  Fit(const FigureSpec& spec, const Measures& m)
      : spec_(spec),
        m_(m),
        n_(static_cast<int>(spec.titles.size())),
        columns_(std::min(n_, spec.columns)),
        rows_((n_ + columns_ - 1) / columns_),
        bars_(spec.bars != Bars::none && any_scale(spec)),
        titled_(std::any_of(spec.titles.begin(), spec.titles.end(), [](const auto& t) { return !t.empty(); })),
        bar_block_(m.bar_gap + 3 * m.line + m.bar_width + m.tick + m.gap + m.bar_text +
                   (spec.bar_label.empty() ? 0 : 2 * m.gap + m.label_text.height())) {
    if (spec.aspect > 0)
      ratio_ = (spec.range.x1 / 2 - spec.range.x0 / 2) / (spec.range.y1 / 2 - spec.range.y0 / 2) / spec.aspect;
    if (ratio_ > kMostRatio || ratio_ < 1 / kMostRatio) ratio_ = 0;
    x_text_ = measure("0.0", m.tick_size).width;
    g_.y_text = measure("0", m.tick_size).width;
    g_.width = spec.width;
    g_.x_labelled = !spec.x_label.empty(), g_.y_labelled = !spec.y_label.empty();
    for (const std::string& name : spec.legend) {
      g_.legend.push_back(fit_text(name, m.tick_size, spec.width / 4));
      g_.legend_w = std::max(g_.legend_w, measure(g_.legend.back().text, g_.legend.back().size).width);
    }
  }

  Geometry run() {
    for (int round = 0; round < 4; ++round) {
      const Across x = across();
      g_.free_w = (g_.width - x.left - x.between) / columns_;
      const Down y = down();
      g_.height = spec_.height != 0 ? spec_.height : needed_height(y);
      g_.free_h = (g_.height - y.other) / rows_;
      if (g_.free_w < kLeastPlot || g_.free_h < kLeastPlot) break;
      size_plots();
      place_plots(x, y);
      choose();
    }
    return std::move(g_);
  }

 private:
  Across across() const {
    Across x;
    x.left = m_.pad + (g_.y_labelled ? m_.label_text.height() + m_.gap : 0) + g_.y_text + m_.gap + m_.tick + m_.line;
    const int half = x_text_ / 2 + 1;
    x.after.assign(columns_, 0);
    for (int panel = 0; panel < n_; ++panel)
      if (has_bar(spec_, panel)) x.after[panel % columns_] = bar_block_;
    for (int c = 0; c < columns_; ++c) {
      int& after = x.after[c];
      if (after == 0) after = m_.line;
      if (c + 1 < columns_)
        after = std::max(after + pixels(1.3 * m_.tick_size) + m_.tick + m_.line, 2 * half + pixels(0.7 * m_.tick_size));
      x.between += after;
    }
    const int last = x.after.back();
    int end = spec_.bars == Bars::shared && bars_ ? bar_block_ - last + m_.pad : std::max(m_.pad, half + 2 - last);
    if (g_.legend_w > 0) end = std::max(end, m_.bar_gap + m_.swatch + m_.swatch_gap + g_.legend_w + m_.pad);
    x.between += end;
    return x;
  }

  Down down() const {
    const int title_block = (titled_ ? m_.title_text.ascent + m_.title_lift() : 0) + m_.line;
    const int note_block = bars_ ? m_.note_lift() + m_.tick_text.height() : m_.line + m_.tick_text.ascent / 2;
    const int first_title = note_line_ ? title_block + note_block : std::max(title_block, note_block);
    const int head = spec_.title.empty() ? 0 : m_.head_text.height() + m_.gap;
    const int ticks_block = m_.line + m_.tick + m_.gap + m_.tick_text.height() - m_.above_cap();
    const int x_label_block = g_.x_labelled ? m_.gap / 2 + m_.label_text.height() : 0;
    const int bottom = ticks_block + x_label_block + std::max(3, m_.pad * 2 / 3);
    Down y;
    y.top = std::max(3, titled_ || head ? m_.pad : m_.pad / 2) + head + first_title;
    y.row_gap = ticks_block + std::max(title_block, note_block) + pixels(0.6 * m_.tick_size);
    y.other = y.top + bottom + (rows_ - 1) * y.row_gap;
    return y;
  }

  int needed_height(const Down& y) const {
    const double h = ratio_ > 0 ? std::max(1.0, g_.free_w / ratio_) : 0.75 * g_.free_w;
    const int plot = std::max(3 * kLeastPlot, pixels(std::min(h, 1e5)));
    return std::min(std::clamp(y.other + rows_ * plot, 100, 2 * g_.width), Canvas::kMaxSide);
  }

  void size_plots() {
    g_.plot_w = g_.free_w, g_.plot_h = g_.free_h;
    if (ratio_ > 0) {
      if (g_.free_w > g_.free_h * ratio_)
        g_.plot_w = std::max(1, pixels(g_.free_h * ratio_));
      else
        g_.plot_h = std::max(1, pixels(g_.free_w / ratio_));
    }
    g_.plot_w = std::min(g_.free_w, std::max(kLeastPlot, g_.plot_w));
    g_.plot_h = std::min(g_.free_h, std::max(kLeastPlot, g_.plot_h));
  }

  void place_plots(const Across& x, const Down& y) {
    const int spare_w = g_.width - x.left - x.between - columns_ * g_.plot_w;
    const int spare_h = g_.height - y.other - rows_ * g_.plot_h;
    g_.column_x.assign(columns_, x.left + spare_w / 2);
    for (int c = 1; c < columns_; ++c) g_.column_x[c] = g_.column_x[c - 1] + g_.plot_w + x.after[c - 1];
    g_.row_y.assign(rows_, y.top + spare_h / 2);
    for (int r = 1; r < rows_; ++r) g_.row_y[r] = g_.row_y[r - 1] + g_.plot_h + y.row_gap;
    g_.shared_bar_x = g_.column_x.back() + g_.plot_w + 2 * m_.line + m_.bar_gap;
  }

  /// The ticks for these plots, and the room their labels want in the next round.
  void choose() {
    g_.ticks = axis_ticks(spec_, g_.plot_w, g_.plot_h, ratio_ > 0 && spec_.aspect == 1, m_);
    g_.y_text = std::max(g_.y_text, widest(g_.ticks.y, m_.tick_size));
    x_text_ = std::max(x_text_, widest(g_.ticks.x, m_.tick_size));
    g_.x_labelled = !spec_.x_label.empty() || !g_.ticks.x.note.empty();
    g_.y_labelled = !spec_.y_label.empty() || !g_.ticks.y.note.empty();
    if (n_ == 1 && bars_ && measure(spec_.titles[0], m_.title_size).width > g_.plot_w + m_.bar_gap) note_line_ = true;
  }

  const FigureSpec& spec_;
  const Measures& m_;
  int n_, columns_, rows_;
  bool bars_, titled_;
  int bar_block_;           ///< the width of a bar and its labels
  double ratio_ = 0;        ///< of a plot's width to its height; 0: what it has room for
  int x_text_ = 0;          ///< width of the tick labels of x
  bool note_line_ = false;  ///< the bar's note gets a line of its own below a title wider than the plot
  Geometry g_;
};

}  // namespace

Geometry fit_plots(const FigureSpec& spec, const Measures& m) { return Fit(spec, m).run(); }

}  // namespace cnf
