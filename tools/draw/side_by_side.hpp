// Pictures beside each other, each with axes of its own.
#pragma once

#include <vector>

#include "tools/draw/heatmap.hpp"

namespace cnf {

/// In a row, from the left, their tops in line.
class SideBySide final : public Drawing {
 public:
  explicit SideBySide(std::vector<Picture> pictures);

  int width() const override;
  int height() const override;
  void draw(Surface& surface) const override;

 private:
  std::vector<Picture> pictures_;
};

}  // namespace cnf
