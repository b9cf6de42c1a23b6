// A field with the divergence beside it: the right-hand side of a continuous normalizing flow.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "flows/fields/field.hpp"
#include "solvers/dynamics.hpp"

namespace cnf {

/// The distribution of Hutchinson's probes e: E[e] = 0, E[e e^T] = I.
enum class Probe { rademacher, gaussian };
inline constexpr std::array kAllProbes{Probe::rademacher, Probe::gaussian};
std::string_view name(Probe probe);  ///< as spelled on the command line

inline constexpr int kMaxProbes = 4096;  ///< a sample, where K is read from text

/// How the divergence is asked for: `--divergence auto|exact|hutchinson[:k]`.
struct DivergenceChoice {
  enum class Kind { automatic, exact, hutchinson };
  Kind kind = Kind::automatic;
  int probes = 1;  ///< of Hutchinson's estimate, averaged
  Probe probe = Probe::rademacher;
};
/// Reads "auto", "exact", "hutchinson", "hutchinson:4". Throws std::invalid_argument with the forms that are known.
DivergenceChoice parse_divergence(std::string_view text, Probe probe = Probe::rademacher);
std::string to_string(const DivergenceChoice& choice);

/// How it is computed.
struct DivergenceMethod {
  enum class Kind {
    none,        ///< samples alone: no q block
    trace,       ///< the field's closed form
    tangents,    ///< D tangents
    hutchinson,  ///< `columns` probes, fixed for the whole solve, or error control would see noise
  };
  Kind kind = Kind::none;
  Index columns = 0;  ///< tangent columns per sample
};

/// The method for a field. `exact` takes the closed form where the field has one and D > 1, else D tangents.
/// `automatic` is exact for evaluation (`training` false); in training it is exact unless that costs more than four
/// columns a sample, and then one probe.
DivergenceMethod resolve(const DivergenceChoice& choice, bool has_trace, Index dim, bool training);

/// z' = f(t, z), q' = div f(t, z) (or its estimate) on one tile.
///
/// Hutchinson's estimate: (1/k) sum_c e_c^T (df/dz) e_c. Unbiased; variance for one Rademacher probe
/// 2 (|S|_F^2 - sum_i S_ii^2), for one Gaussian probe 2 |S|_F^2, S = (J + J^T) / 2 (Hutchinson 1990; Grathwohl et al.
/// 2019).
template <class T>
class FlowDynamics final : public Dynamics<T> {
 public:
  /// `probes`: D x (columns B) for hutchinson, unused otherwise; field and probes must outlive the dynamics.
  /// std::invalid_argument: the closed form of a field that has none.
  FlowDynamics(const Field<T>& field, DivergenceMethod method, const T* probes = nullptr);

  Blocks blocks() const override { return {field_.dim(), method_.kind == DivergenceMethod::Kind::none ? 0 : 1, 0}; }
  Index gradient_size() const override { return field_.gradient_size(); }
  Index tape_size(Index B) const override;
  Derivatives derivatives() const override { return Derivatives::all; }
  void forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T> ds, T* tape, Scratch& scratch) const override;
  void jvp(const T* tape, Tile<T> v, Times<T> t_dot, Out<T> dz_dot, Out<T> dq_dot, Scratch& scratch) const override;
  void vjp(const T* tape, Tile<T> w_z, Tile<T> w_q, Out<T> z_bar, std::span<T> t_bar, std::span<T> params_bar,
           Scratch& scratch) const override;

  // Of tangents and probes alone, for what has more to do with J V (flows/quadratures.hpp).
  const DivergenceMethod& method() const { return method_; }
  /// The tangents of a tile: e_1 .. e_D for every sample, or the probes. D x (columns B), as long as `scratch` has it.
  Tile<T> tangents(Index B, Scratch& scratch) const;
  /// The estimate of every sample's divergence: q_b = the mean over probes c of V_cb . JV_cb; exact, with unit vectors,
  /// the sum of J's diagonal, which its other entries do not touch.
  void contract(Tile<T> V, const T* JV, Out<T> q) const;
  /// Its transpose: JV's cotangent, which may be added to.
  T* pull_contraction(Tile<T> V, Tile<T> w_q, Scratch& scratch) const;

 private:
  const Field<T>& field_;
  DivergenceMethod method_;
  const T* probes_;
};

/// Fills e: D x (columns B) with the probes of samples first .. first + B - 1 at one training step (0 in evaluation): a
/// function of (seed, step, sample, component) alone.
template <class T>
void draw_probes(Probe probe, Index columns, Seed seed, std::uint32_t step, std::uint64_t first, Index D, Index B,
                 T* e);

}  // namespace cnf
