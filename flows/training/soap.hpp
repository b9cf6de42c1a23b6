// SOAP: Adam in the coordinates in which the gradient's second moments are nearly diagonal.
#pragma once

#include "flows/training/optimizer.hpp"

namespace cnf {

struct SoapOptions {
  AdamOptions adam{};
  double statistics = 0.95;  ///< decay per update of the means of G G^T and G^T G
  int refresh = 10;          ///< updates between refreshes of the bases
  Index most_side = 1024;    ///< a side of a matrix beyond it keeps its own coordinates
};

/// SOAP (Vyas et al. 2024, SOAP: Improving and Stabilizing Shampoo using Adam). A weight and the vectors behind it that
/// have its rows (bias, gates) are one matrix G; its update is Adam's on Q_L^T G Q_R, where Q_L and Q_R follow the
/// eigenvectors of the running means of G G^T and G^T G by a step of orthogonal iteration at every refresh.
/// Slots: m and v, Adam's in the turned coordinates; left, right, the means; left_basis, right_basis, Q_L and Q_R.
/// Unlike the paper, m and v are turned along with the bases: m exactly, v as if its values were independent, or a
/// gradient could turn into a coordinate of which v knows nothing and make a step of any size. And what is below the
/// rounding of a turn, beside the matrix's largest value, counts as zero: Adam makes full steps of noise.
template <class T>
class Soap final : public Optimizer<T> {
 public:
  /// std::invalid_argument: statistics outside [0, 1), refresh below 1.
  explicit Soap(const SoapOptions& options = {});

  std::string_view name() const override { return "soap"; }
  std::vector<typename Optimizer<T>::Slot> slots(const Layout& params) const override;
  void update(const Layout& layout, Vector<T>& params, std::span<Vector<T>> slots, std::int64_t updates,
              std::span<const T> g, double rate, int threads) const override;

 private:
  SoapOptions options_;
};

}  // namespace cnf
