// What one explicit step computes, as numbers: read by who takes the steps and by who transposes them.
#pragma once

#include "solvers/methods/tableau.hpp"

namespace cnf {

/// Most earlier slopes that a step reads.
inline constexpr int kMaxHistory = 7;

/// Weights of earlier steps' first slopes in a step of equal size, by how many steps ago: [1] of the last, ...; [0]
/// is 0.
struct PastWeights {
  int history = 0;
  std::array<double, kMaxHistory + 1> predict{}, correct{};  ///< of the second stage's argument, of the step's end
  /// Dense output: coefficients of theta, theta^2, ... of the weights of stage 1, stage 0, and [1 + m]: of m steps ago.
  std::array<std::array<double, kMaxHistory + 1>, kMaxHistory + 1> dense{};
};

static_assert(2 + 1 + kMaxHistory <= kMaxTerms);  // two stages, the slope at the end and a past

/// The stages of a tableau and, of a multistep method, weights of the slopes that earlier steps began with.
struct StepRule {
  const Tableau* own = nullptr;
  const PastWeights* past = nullptr;  ///< null: the step reads nothing but its own stages

  int stages() const { return own->own_stages(); }
  int history() const { return past ? past->history : 0; }
  /// Whether dense output reads the slope at the step's end: the next step's first.
  bool reads_end() const { return !past; }
  /// Stages evaluated only for values between the step's ends; a step that reads a past has none.
  int extra() const { return past ? 0 : own->extra_stages(); }
  /// Vectors of dense output: the stages, the slope at the end, and the extra stages or the past from 1 on.
  int terms() const { return stages() + 1 + extra() + history(); }
  /// Their weights at theta in [0, 1], y(t + theta h) = y + h sum_i w_i v_i, and if not null the weights' derivatives.
  /// At theta = 1 they are the step's own weights, at 0 they are 0.
  void dense(double theta, double* w, double* dw) const;

  bool operator==(const StepRule&) const = default;
};

/// Of a step without length where the slope jumps: its one stage is the slope before, and nothing comes of it.
inline constexpr Tableau kJump{
    .name = "jump", .stages = 1, .order = 0, .embedded_order = 0, .c = {}, .b = {}, .e = {}, .a = {}};

/// The same for whom a step is only a function of time (DenseStep::weights): `rule` is a StepRule.
void rule_weights(const void* rule, double theta, double* w, double* dw);

}  // namespace cnf
