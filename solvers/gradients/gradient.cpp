#include "solvers/gradients/gradient.hpp"

#include <stdexcept>
#include <string>

namespace cnf {

template <class T>
void check_shapes(const char* who, const Cotangents<T>& w, const SolveGradient<T>& gradient, const Blocks& rows,
                  Index B, Index observations, Index gradient_size) {
  const auto refuse = [who](const std::string& what) { throw std::invalid_argument(std::string(who) + ": " + what); };
  const auto shape = [&](const char* what, const auto& x, Index want_rows, Index want_cols) {
    if (x.rows() == want_rows && x.cols() == want_cols) return;
    refuse(std::string(what) + " is " + std::to_string(x.rows()) + " x " + std::to_string(x.cols()) +
           ", the solve asks for " + std::to_string(want_rows) + " x " + std::to_string(want_cols));
  };
  shape("w.z", w.z, rows.z, B);
  if (rows.q > 0 || w.q.rows() > 0) shape("w.q", w.q, rows.q, B);
  shape("z_bar", gradient.z_bar, rows.z, B);
  if (observations > 0 || w.seen.cols() > 0) shape("w.seen", w.seen, rows.z, observations);
  if (static_cast<Index>(gradient.params_bar.size()) != gradient_size)
    refuse("params_bar has " + std::to_string(gradient.params_bar.size()) + " values, the dynamics " +
           std::to_string(gradient_size));
  const auto times = static_cast<Index>(gradient.dloss_dtimes.size());
  if (times != 0 && times != observations)
    refuse("dloss_dtimes has " + std::to_string(times) + " values for " + std::to_string(observations) +
           " observations");
}

template void check_shapes(const char*, const Cotangents<float>&, const SolveGradient<float>&, const Blocks&, Index,
                           Index, Index);
template void check_shapes(const char*, const Cotangents<double>&, const SolveGradient<double>&, const Blocks&, Index,
                           Index, Index);

}  // namespace cnf
