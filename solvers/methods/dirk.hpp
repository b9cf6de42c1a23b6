// Singly diagonally implicit Runge-Kutta methods with an explicit first stage (ESDIRK) as tables of numbers.
#pragma once

#include "solvers/methods/tableau.hpp"

namespace cnf {

/// x1 = x0 + h sum_i b_i k_i,  k_1 = f(t0, x0),  k_i = f(t0 + c_i h, x0 + h (sum_{j<i} a_ij k_j + gamma k_i)).
///
/// Stiffly accurate: b is the last row of a, so x1 is the last stage and k_s the next step's k_1; b_hat is the last row
/// but one. Every stage after the first has the same matrix I - h gamma J to solve with. The methods here are L-stable,
/// and the rows of their stages meet sum_j a_ij c_j = c_i^2 / 2 (stage order 2).
struct DirkTableau {
  std::string_view name;
  std::string_view help;
  int stages, order, embedded_order;
  std::array<double, kMaxStages> c;
  std::array<std::array<double, kMaxStages>, kMaxStages> a;  ///< gamma on the diagonal but for the first row
  /// Between its ends a step is the cubic Hermite polynomial of its ends and their slopes, and
  /// h theta^2 (1 - theta)^2 sum_i bump_i k_i beside it, which makes it of order 4; all 0: that cubic alone.
  std::array<double, kMaxStages> bump{};

  constexpr double gamma() const { return a[1][1]; }
  constexpr const std::array<double, kMaxStages>& b() const { return a[stages - 1]; }
  /// b - b_hat: h sum_i e_i k_i estimates the local error.
  constexpr std::array<double, kMaxStages> e() const {
    std::array<double, kMaxStages> e{};
    for (int j = 0; j < stages; ++j) e[j] = a[stages - 1][j] - a[stages - 2][j];
    return e;
  }
  /// Newton's iterations take two or so a stage.
  constexpr int evaluations_per_step() const { return 2 * (stages - 1); }
  constexpr int dense_order() const {
    for (double d : bump)
      if (d != 0) return 4;
    return 3;
  }
  constexpr bool has_transpose() const { return false; }
  constexpr bool takes_grid() const { return true; }
  constexpr bool needs_equal_steps() const { return false; }
  constexpr bool needs_jvp() const { return true; }
};

/// Kvaerno (2004), BIT 44, 489-502: ESDIRK 3/2 with 4 stages. gamma is the root near 0.44 of 6 x^3 - 18 x^2 + 9 x - 1,
/// which makes it L-stable.
inline constexpr DirkTableau kKvaerno3{
    .name = "kvaerno3",
    .help = "for stiff fields at loose tolerances",
    .stages = 4,
    .order = 3,
    .embedded_order = 2,
    .c = {0, 0.8717330430169179988, 1, 1},
    .a = {{{},
           {0.4358665215084589994, 0.4358665215084589994},
           {0.4905633884217805706, 0.07357009006976042996, 0.4358665215084589994},
           {0.3088099699767465233, 1.490563388421780571, -1.235239879906986093, 0.4358665215084589994}}}};

/// Kvaerno (2004), the same paper: ESDIRK 4/3 with 5 stages. gamma is the root near 0.57 of x^4 - 4 x^3 + 3 x^2 - 2/3 x
/// + 1/24, which makes it L-stable.
inline constexpr DirkTableau kKvaerno4{
    .name = "kvaerno4",
    .help = "for stiff fields at middling tolerances",
    .stages = 5,
    .order = 4,
    .embedded_order = 3,
    .c = {0, 1.145632124964269711, 0.5971049876523114929, 1, 1},
    .a = {{{},
           {0.5728160624821348554, 0.5728160624821348554},
           {0.1672354620272107508, -0.1429465368570341132, 0.5728160624821348554},
           {0.2626032902526958181, -0.311904327420563153, 0.4764849746857324795, 0.5728160624821348554},
           {0.1972165483128349958, 0.176843783906372186, 0.8154421813508384474, -0.7623185760521804847,
            0.5728160624821348554}}}};

/// Kvaerno (2004), the same paper: ESDIRK 5/4 with 7 stages.
inline constexpr DirkTableau kKvaerno5{
    .name = "kvaerno5",
    .help = "for stiff fields",
    .stages = 7,
    .order = 5,
    .embedded_order = 4,
    .c = {0, 0.52, 1.23033320996790809, 0.89576598435007588, 0.43639360985864758, 1, 1},
    .a = {{{},
           {0.26, 0.26},
           {0.13, 0.84033320996790809, 0.26},
           {0.22371961478320505, 0.47675532319799699, -0.06470895363112615, 0.26},
           {0.16648564323248321, 0.10450018841591720, 0.03631482272098715, -0.13090704451073998, 0.26},
           {0.13855640231268224, 0, -0.04245337201752043, 0.02446657898003141, 0.61943039072480676, 0.26},
           {0.13659751177640291, 0, -0.05496908796538376, -0.04118626728321046, 0.62993304899016403,
            0.06962479448202728, 0.26}}},
    .bump = {-0.4842493496458591364, 0, 0.9921747011803461586, -0.6241080331021561429, 1.380100427378424931,
             -0.6319588729053779, -0.6319588729053779}};

/// Every method of the family; the command line and the tests loop over this.
inline constexpr std::array kAllDirk{&kKvaerno3, &kKvaerno4, &kKvaerno5};

static_assert([] {
  for (const DirkTableau* m : kAllDirk)
    for (int i = 0; i < m->stages; ++i) {
      double sum = 0, square = 0;
      for (int j = 0; j <= i; ++j) sum += m->a[i][j], square += m->a[i][j] * m->c[j];
      const double row = sum - m->c[i], stage = square - m->c[i] * m->c[i] / 2;
      if (row * row > 1e-30 || stage * stage > 1e-30 || (i > 0 && m->a[i][i] != m->gamma())) return false;
    }
  return true;
}());

}  // namespace cnf
