// Explicit Runge-Kutta methods as tables of numbers.
#pragma once

#include <array>
#include <string_view>

#include "solvers/methods/dense_table.hpp"

namespace cnf {

/// An explicit Runge-Kutta pair:  x1 = x0 + h sum_i b_i k_i,  k_i = f(t0 + c_i h, x0 + h sum_j a_ij k_j).
struct Tableau {
  std::string_view name;    ///< as spelled on the command line
  std::string_view help{};  ///< when to choose it
  int stages, order;
  int embedded_order;  ///< of b_hat; 0: no error estimate, fixed steps only
  std::array<double, kMaxStages> c, b;
  std::array<double, kMaxStages> e;                          ///< b - b_hat: h sum_i e_i k_i estimates the local error
  std::array<std::array<double, kMaxStages>, kMaxStages> a;  ///< strictly lower triangular
  const DenseTable* dense = nullptr;  ///< between the ends of a step; null: the cubic Hermite polynomial alone

  /// First same as last: the last stage is f(t1, x1), the first stage of the next step.
  constexpr bool is_fsal() const { return stages > 1 && c[stages - 1] == 1 && a[stages - 1] == b; }
  constexpr bool is_adaptive() const { return embedded_order > 0; }
  /// Stages that x1 depends on: all, or under FSAL all but the last.
  constexpr int own_stages() const { return is_fsal() ? stages - 1 : stages; }
  constexpr int evaluations_per_step() const { return own_stages(); }
  constexpr bool has_transpose() const { return true; }
  constexpr bool takes_grid() const { return true; }
  constexpr bool needs_jvp() const { return false; }
  constexpr bool needs_equal_steps() const { return false; }
  /// Of the values between the ends of a step: the local error there is O(h^(dense_order + 1)).
  constexpr int dense_order() const { return dense ? dense->order : order < 3 ? order : 3; }
  /// Stages that are evaluated only where someone looks between the ends of a step.
  constexpr int extra_stages() const { return dense ? dense->extra : 0; }
};

/// Rows of a sum to c, b to 1 and e to 0 (to rounding), and a is strictly lower triangular.
constexpr bool is_consistent(const Tableau& m) {
  const auto near = [](double x, double y, double size) {
    const double d = x < y ? y - x : x - y;
    return d <= 4e-16 * (1 + size);
  };
  const auto magnitude = [](double x) { return x < 0 ? -x : x; };
  double b = 0, e = 0, size_b = 0, size_e = 0;
  for (int i = 0; i < kMaxStages; ++i) {
    double a = 0, size_a = 0;
    for (int j = 0; j < kMaxStages; ++j) {
      if ((j >= i || i >= m.stages) && m.a[i][j] != 0) return false;
      a += m.a[i][j];
      size_a += magnitude(m.a[i][j]);
    }
    if (!near(a, m.c[i], size_a)) return false;
    if (i >= m.stages && (m.b[i] != 0 || m.e[i] != 0 || m.c[i] != 0)) return false;
    b += m.b[i], size_b += magnitude(m.b[i]);
    e += m.e[i], size_e += magnitude(m.e[i]);
  }
  return near(b, 1, size_b) && near(e, 0, size_e) && (m.is_adaptive() ? size_e > 0 : size_e == 0);
}

/// Euler (1768).
inline constexpr Tableau kEuler{.name = "euler",
                                .help = "to show why not",
                                .stages = 1,
                                .order = 1,
                                .embedded_order = 0,
                                .c = {0},
                                .b = {1},
                                .e = {},
                                .a = {}};

/// Runge (1895), Math. Ann. 46, 167-178.
inline constexpr Tableau kMidpoint{.name = "midpoint",
                                   .help = "to compare",
                                   .stages = 2,
                                   .order = 2,
                                   .embedded_order = 0,
                                   .c = {0, 1. / 2},
                                   .b = {0, 1},
                                   .e = {},
                                   .a = {{{}, {1. / 2}}}};

/// Heun (1900), Z. Math. Phys. 45, 23-38: the explicit trapezoidal rule.
inline constexpr Tableau kHeun{.name = "heun",
                               .help = "to compare",
                               .stages = 2,
                               .order = 2,
                               .embedded_order = 0,
                               .c = {0, 1},
                               .b = {1. / 2, 1. / 2},
                               .e = {},
                               .a = {{{}, {1}}}};

/// Ralston (1962), Math. Comp. 16, 431-437: the two-stage method of order 2 with the least error bound.
inline constexpr Tableau kRalston{.name = "ralston",
                                  .help = "to compare",
                                  .stages = 2,
                                  .order = 2,
                                  .embedded_order = 0,
                                  .c = {0, 2. / 3},
                                  .b = {1. / 4, 3. / 4},
                                  .e = {},
                                  .a = {{{}, {2. / 3}}}};

/// Kutta (1901), Z. Math. Phys. 46, 435-453: the classical method.
inline constexpr Tableau kRk4{.name = "rk4",
                              .help = "a cost known beforehand",
                              .stages = 4,
                              .order = 4,
                              .embedded_order = 0,
                              .c = {0, 1. / 2, 1. / 2, 1},
                              .b = {1. / 6, 1. / 3, 1. / 3, 1. / 6},
                              .e = {},
                              .a = {{{}, {1. / 2}, {0, 1. / 2}, {0, 0, 1}}}};

/// Kutta (1901), the same paper: the 3/8 rule.
inline constexpr Tableau kRk4_38{.name = "rk4_38",
                                 .help = "as rk4, of somewhat smaller error",
                                 .stages = 4,
                                 .order = 4,
                                 .embedded_order = 0,
                                 .c = {0, 1. / 3, 2. / 3, 1},
                                 .b = {1. / 8, 3. / 8, 3. / 8, 1. / 8},
                                 .e = {},
                                 .a = {{{}, {1. / 3}, {-1. / 3, 1}, {1, -1, 1}}}};

/// Bogacki and Shampine (1989), Appl. Math. Lett. 2(4), 321-325.
inline constexpr Tableau kBosh3{.name = "bosh3",
                                .help = "for tolerances of 1e-2 and 1e-3",
                                .stages = 4,
                                .order = 3,
                                .embedded_order = 2,
                                .c = {0, 1. / 2, 3. / 4, 1},
                                .b = {2. / 9, 1. / 3, 4. / 9, 0},
                                .e = {2. / 9 - 7. / 24, 1. / 3 - 1. / 4, 4. / 9 - 1. / 3, -1. / 8},
                                .a = {{{}, {1. / 2}, {0, 3. / 4}, {2. / 9, 1. / 3, 4. / 9}}}};

/// Fehlberg (1969), NASA TR R-315. The state goes on with the fifth-order weights (local extrapolation), as in GSL and
/// SUNDIALS; Fehlberg went on with the fourth.
inline constexpr Tableau kFehlberg45{.name = "fehlberg45",
                                     .help = "to compare with old results",
                                     .stages = 6,
                                     .order = 5,
                                     .embedded_order = 4,
                                     .c = {0, 1. / 4, 3. / 8, 12. / 13, 1, 1. / 2},
                                     .b = {16. / 135, 0, 6656. / 12825, 28561. / 56430, -9. / 50, 2. / 55},
                                     .e = {1. / 360, 0, -128. / 4275, -2197. / 75240, 1. / 50, 2. / 55},
                                     .a = {{{},
                                            {1. / 4},
                                            {3. / 32, 9. / 32},
                                            {1932. / 2197, -7200. / 2197, 7296. / 2197},
                                            {439. / 216, -8, 3680. / 513, -845. / 4104},
                                            {-8. / 27, 2, -3544. / 2565, 1859. / 4104, -11. / 40}}},
                                     .dense = &kFehlberg45Dense};

/// Dormand and Prince (1980), J. Comput. Appl. Math. 6(1), 19-26: RK5(4)7M, with the paper's fourth-order weights, as
/// in Hairer's DOPRI5 and SciPy's RK45. (torchdiffeq's dopri5 takes Shampine's (1986) weights b_hat instead.)
inline constexpr Tableau kDopri5{.name = "dopri5",
                                 .help = "the default",
                                 .stages = 7,
                                 .order = 5,
                                 .embedded_order = 4,
                                 .c = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1},
                                 .b = {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
                                 .e = {71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40},
                                 .a = {{{},
                                        {1. / 5},
                                        {3. / 40, 9. / 40},
                                        {44. / 45, -56. / 15, 32. / 9},
                                        {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
                                        {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
                                        {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}}},
                                 .dense = &kDopri5Dense};

/// Tsitouras (2011), Comput. Math. Appl. 62(2), 770-775. Published to 16 digits: order conditions hold to 1e-14.
inline constexpr Tableau kTsit5{
    .name = "tsit5",
    .help = "the work of dopri5, often a smaller error",
    .stages = 7,
    .order = 5,
    .embedded_order = 4,
    .c = {0, 0.161, 0.327, 0.9, 0.9800255409045097, 1, 1},
    .b = {0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774, 0},
    .e = {-0.001780011052225777, -0.0008164344596567469, 0.007880878010261995, -0.1447110071732629, 0.5823571654525552,
          -0.45808210592918697, 1. / 66},
    .a = {{{},
           {0.161},
           {-0.008480655492356989, 0.335480655492357},
           {2.8971530571054935, -6.359448489975075, 4.3622954328695815},
           {5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525},
           {5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383},
           {0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774}}},
    .dense = &kTsit5Dense};

/// Prince and Dormand (1981), J. Comput. Appl. Math. 7(1), 67-75: RK8(7)13M, the rational approximations of the paper
/// (order conditions hold to 1e-17 in exact arithmetic).
inline constexpr Tableau kDopri8{
    .name = "dopri8",
    .help = "for errors below 1e-6, in double",
    .stages = 13,
    .order = 8,
    .embedded_order = 7,
    .c = {0, 1. / 18, 1. / 12, 1. / 8, 5. / 16, 3. / 8, 59. / 400, 93. / 200, 5490023248. / 9719169821., 13. / 20,
          1201146811. / 1299019798., 1, 1},
    .b = {14005451. / 335480064., 0, 0, 0, 0, -59238493. / 1068277825., 181606767. / 758867731.,
          561292985. / 797845732., -1041891430. / 1371343529., 760417239. / 1151165299., 118820643. / 751138087.,
          -528747749. / 2220607170., 1. / 4},
    .e = {14005451. / 335480064. - 13451932. / 455176623., 0, 0, 0, 0,
          -59238493. / 1068277825. + 808719846. / 976000145., 181606767. / 758867731. - 1757004468. / 5645159321.,
          561292985. / 797845732. - 656045339. / 265891186., -1041891430. / 1371343529. + 3867574721. / 1518517206.,
          760417239. / 1151165299. - 465885868. / 322736535., 118820643. / 751138087. - 53011238. / 667516719.,
          -528747749. / 2220607170. - 2. / 45, 1. / 4},
    .a = {{{},
           {1. / 18},
           {1. / 48, 1. / 16},
           {1. / 32, 0, 3. / 32},
           {5. / 16, 0, -75. / 64, 75. / 64},
           {3. / 80, 0, 0, 3. / 16, 3. / 20},
           {29443841. / 614563906., 0, 0, 77736538. / 692538347., -28693883. / 1125000000., 23124283. / 1800000000.},
           {16016141. / 946692911., 0, 0, 61564180. / 158732637., 22789713. / 633445777., 545815736. / 2771057229.,
            -180193667. / 1043307555.},
           {39632708. / 573591083., 0, 0, -433636366. / 683701615., -421739975. / 2616292301., 100302831. / 723423059.,
            790204164. / 839813087., 800635310. / 3783071287.},
           {246121993. / 1340847787., 0, 0, -37695042795. / 15268766246., -309121744. / 1061227803.,
            -12992083. / 490766935., 6005943493. / 2108947869., 393006217. / 1396673457., 123872331. / 1001029789.},
           {-1028468189. / 846180014., 0, 0, 8478235783. / 508512852., 1311729495. / 1432422823.,
            -10304129995. / 1701304382., -48777925059. / 3047939560., 15336726248. / 1032824649.,
            -45442868181. / 3398467696., 3065993473. / 597172653.},
           {185892177. / 718116043., 0, 0, -3185094517. / 667107341., -477755414. / 1098053517.,
            -703635378. / 230739211., 5731566787. / 1027545527., 5232866602. / 850066563., -4093664535. / 808688257.,
            3962137247. / 1805957418., 65686358. / 487910083.},
           {403863854. / 491063109., 0, 0, -5068492393. / 434740067., -411421997. / 543043805., 652783627. / 914296604.,
            11173962825. / 925320556., -13158990841. / 6184727034., 3936647629. / 1978049680., -160528059. / 685178525.,
            248638103. / 1413531060.}}},
    .dense = &kDopri8Dense};

/// Every method; the command line, the solvers and the tests loop over this.
inline constexpr std::array kAllTableaus{&kEuler, &kMidpoint,   &kHeun,   &kRalston, &kRk4,   &kRk4_38,
                                         &kBosh3, &kFehlberg45, &kDopri5, &kTsit5,   &kDopri8};

static_assert([] {
  for (const Tableau* m : kAllTableaus)
    if (!is_consistent(*m)) return false;
  return true;
}());
// By name: to a sanitized build whether a method has one is no constant.
static_assert(is_consistent(kFehlberg45Dense, kFehlberg45.own_stages()));
static_assert(is_consistent(kDopri5Dense, kDopri5.own_stages()));
static_assert(is_consistent(kTsit5Dense, kTsit5.own_stages()));
static_assert(is_consistent(kDopri8Dense, kDopri8.own_stages()));

/// The method of that name, or null.
constexpr const Tableau* find_tableau(std::string_view name) {
  for (const Tableau* m : kAllTableaus)
    if (m->name == name) return m;
  return nullptr;
}

}  // namespace cnf
