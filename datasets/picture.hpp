// A picture as a density: where it is bright (or, inverted, dark), points are likely.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/density.hpp"

namespace cnf {

/// The density that is constant on each pixel and proportional to its grey value. A picture of W x H pixels covers
/// [-4, 4] x [-4 H/W, 4 H/W], y up. log_prob and entropy are exact; the entropy is the least NLL a model can reach.
class PictureDensity final : public Density {
 public:
  /// weights: W x H values row by row, the top row first; their sum must fit 63 bits.
  /// Throws std::invalid_argument for another size, InputError (naming `name`) if all weights are 0.
  PictureDensity(std::string name, Index width, Index height, std::vector<std::uint64_t> weights);

  std::string name() const override { return name_; }
  Box box() const override;
  double entropy() const override { return entropy_; }
  double entropy_error() const override { return 1e-12; }
  using Density::sample;
  void sample(Seed seed, Purpose purpose, std::uint32_t step, std::uint64_t first, Out<double> out) const override;
  Vector<double> log_prob(const Eigen::Ref<const Batch>& x) const override;
  Index width() const { return width_; }
  Index height() const { return height_; }

 private:
  std::string name_;
  Index width_, height_;
  double pixel_;                           ///< side of a pixel
  std::vector<std::uint64_t> cumulative_;  ///< of the weights; [i] includes pixel i
  double entropy_ = 0;
};

/// Reads .pgm (P2, P5, 8 or 16 bits) or .png (any; colour becomes luma, weight is multiplied by alpha) by content.
/// `invert` makes dark pixels heavy. At most 2^24 pixels and 256 MiB. InputError says what is wrong and where.
std::unique_ptr<PictureDensity> read_picture(const std::filesystem::path& path, bool invert = false);
/// The bytes of such a file, at most one more than a picture may have.
std::vector<std::byte> picture_bytes(const std::filesystem::path& path);
/// The same as read_picture from memory; `name` stands for the file in messages.
std::unique_ptr<PictureDensity> parse_picture(std::span<const std::byte> bytes, std::string_view name,
                                              bool invert = false);

/// Whether the file's name says that it is a picture: .pgm or .png.
bool is_picture(const std::filesystem::path& path);

}  // namespace cnf
