// Rosenbrock methods as tables of numbers: implicit steps without iterations.
#pragma once

#include "solvers/methods/tableau.hpp"

namespace cnf {

/// x1 = x0 + h sum_i m_i u_i, where each stage is one linear system with J = df/dx at (t0, x0):
///
///   (I / gamma - h J) u_i = f(t0 + c_i h, x0 + h sum_{j<i} a_ij u_j) + sum_{j<i} w_ij u_j + h d_i df/dt(t0, x0).
///
/// The last stage's argument is x0 + h sum_j a_sj u_j = x1 - h u_s, the embedded solution: h u_s estimates the local
/// error. m is a's last row and 1.
/// Source  of the form: Hairer, Wanner II, sec. IV.7 (7.25), where u is h times ours.
struct RosenbrockTableau {
  std::string_view name;
  std::string_view help;
  int stages, order, embedded_order;
  double gamma;
  std::array<double, kMaxStages> c, d, m;
  std::array<std::array<double, kMaxStages>, kMaxStages> a, w;  ///< strictly lower triangular
  /// Dense output: x0 + h sum_i theta (m_i + (1 - theta) (p_1i + theta p_2i + theta^2 p_3i)) u_i, of order `between`.
  int between;
  std::array<std::array<double, kMaxStages>, 3> p;

  constexpr int evaluations_per_step() const { return stages; }
  constexpr int dense_order() const { return between; }
  constexpr bool has_transpose() const { return false; }
  constexpr bool takes_grid() const { return true; }
  constexpr bool needs_equal_steps() const { return false; }
  constexpr bool needs_jvp() const { return true; }
};

/// Steinebach (2023), BIT 63, 27: Rodas5P, order 5(4), 8 stages, L-stable.
inline constexpr RosenbrockTableau kRodas5p{
    .name = "rodas5p",
    .help = "for stiff fields of few dimensions",
    .stages = 8,
    .order = 5,
    .embedded_order = 4,
    .gamma = 0.21193756319429014,
    .c = {0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1, 1, 1},
    .d = {0.21193756319429014, -0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069, 0, 0,
          0},
    .m = {-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1, 1,
          1},
    .a = {{{},
           {3.0},
           {2.849394379747939, 0.45842242204463923},
           {-6.954028509809101, 2.489845061869568, -10.358996098473584},
           {2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641},
           {-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946},
           {-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1},
           {-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1,
            1}}},
    .w = {{{},
           {-14.155112264123755},
           {-17.97296035885952, -2.859693295451294},
           {147.12150275711716, -1.41221402718213, 71.68940251302358},
           {165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306},
           {24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471},
           {30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783, -19.097331116725623,
            -28.087943162872662},
           {37.80277123390563, -3.2571969029072276, 112.26918849496327, 66.9347231244047, -40.06618937091002,
            -54.66780262877968, -9.48861652309627}}},
    .between = 4,
    .p = {{{25.948786856663858, -2.5579724845846235, 10.433815404888879, -2.3679251022685204, 0.524948541321073,
            1.1241088310450404, 0.4272876194431874, -0.17202221070155493},
           {-9.91568850695171, -0.9689944594115154, 3.0438037242978453, -24.495224566215796, 20.176138334709044,
            15.98066361424651, -6.789040303419874, -6.710236069923372},
           {11.419903575922262, 2.8879645146136994, 72.92137995996029, 80.12511834622643, -52.072871366152654,
            -59.78993625266729, -0.15582684282751913, 4.883087185713722}}}};

/// Every method of the family; the command line and the tests loop over this.
inline constexpr std::array kAllRosenbrock{&kRodas5p};

}  // namespace cnf
