// What Runge-Kutta steps are between their ends, as tables of numbers.
#pragma once

#include <array>

namespace cnf {

inline constexpr int kMaxStages = 13;
inline constexpr int kMaxExtra = 3;  ///< stages that are evaluated only where someone looks into a step
/// Most vectors that a step's dense output weighs: own stages, the slope at its end, extra stages or a past.
inline constexpr int kMaxTerms = kMaxStages + 1 + kMaxExtra;
inline constexpr int kMaxBumps = 4;

/// Between its ends a step is the cubic Hermite polynomial of its ends and their slopes and, beside it,
///
///   h theta^2 (1 - theta)^2 sum_i (bump_i0 + bump_i1 theta + bump_i2 theta^2 + ...) v_i.
///
/// v_i: the stages that the step's end depends on (S of them); [S] the slope at the step's end; from [S + 1] on extra
/// stages, v_{S+1+e} = f(t + c_e h, y + h sum_j a_ej v_j), which read the others and earlier ones of their kind.
struct DenseTable {
  int order;  ///< of the values: their local error is O(h^(order + 1))
  int extra = 0;
  std::array<double, kMaxExtra> c{};
  std::array<std::array<double, kMaxTerms>, kMaxExtra> a{};
  std::array<std::array<double, kMaxBumps>, kMaxTerms> bump{};
};

/// For a method of S own stages: rows of a sum to c, coefficients of a power of theta to 0, to rounding; and no row of
/// a has more than kMaxStages weights (step.hpp, combine).
constexpr bool is_consistent(const DenseTable& m, int S) {
  constexpr double kRounding = 1e-15;
  const auto magnitude = [](double x) { return x < 0 ? -x : x; };
  for (int e = 0; e < kMaxExtra; ++e) {
    double sum = -m.c[e], size = 1;
    int weights = 0;
    for (int j = 0; j < kMaxTerms; ++j) {
      if ((e >= m.extra || j > S + e) && m.a[e][j] != 0) return false;
      sum += m.a[e][j], size += magnitude(m.a[e][j]);
      if (m.a[e][j] != 0) ++weights;
    }
    if (magnitude(sum) > kRounding * size || weights > kMaxStages) return false;
  }
  for (int d = 0; d < kMaxBumps; ++d) {
    double sum = 0, size = 0;
    for (int i = 0; i < kMaxTerms; ++i) {
      if (i > S + m.extra && m.bump[i][d] != 0) return false;
      sum += m.bump[i][d], size += magnitude(m.bump[i][d]);
    }
    if (magnitude(sum) > kRounding * size) return false;
  }
  return true;
}

/// Of Fehlberg's pair with the slope at its end: the quartics that meet the conditions of order 4 are a family of one
/// parameter (bump_5), and this is the one with the least error of order 5 among round numbers.
inline constexpr DenseTable kFehlberg45Dense{
    .order = 4, .bump = {{{-7. / 8}, {}, {1024. / 285}, {-2197. / 456}, {8. / 5}, {-2}, {5. / 2}}}};

/// Shampine (1986), Math. Comp. 46, 135-150, as in DOPRI5.
inline constexpr DenseTable kDopri5Dense{.order = 4,
                                         .bump = {{{-12715105075. / 11282082432},
                                                   {},
                                                   {87487479700. / 32700410799},
                                                   {-10690763975. / 1880347072},
                                                   {701980252875. / 199316789632},
                                                   {-1453857185. / 822651844},
                                                   {69997945. / 29380423}}}};

/// Tsitouras (2011), as published with his pair: these are the leading coefficients of its quartics.
inline constexpr DenseTable kTsit5Dense{.order = 4,
                                        .bump = {{{-1.0530884977290216},
                                                  {0.1017},
                                                  {2.490627285651252793},
                                                  {-16.54810288924490272},
                                                  {47.37952196281928122},
                                                  {-34.87065786149660974},
                                                  {2.5}}}};

/// Of RK8(7)13M, three evaluations more. Its stages and the slope at its end give values of order 5 everywhere, and of
/// order 6 where 14 theta^2 - 14 theta + 3 = 0: there is the first extra stage. With it they are of order 6 everywhere,
/// at 3/4 and 3/5 too, and all together of order 7. What the conditions leave open is the least-norm solution in the
/// rows of a, and the least mean square error of order 8 in the bumps.
inline constexpr DenseTable kDopri8Dense{
    .order = 7,
    .extra = 3,
    .c = {0.31101776349538639, 3. / 4, 3. / 5},
    .a = {{{0.044363001767296763, 0, 0, 0, 0, 0.050396633531245485, 0.22117962232690045, 0.0053247467876521353,
            -0.0090201900442769318, -0.0025276394257165378, 0.0026033187287482446, 0.0058043101892063367,
            0.0054889951781920383, -0.0125950355438616},
           {0.040264884062078401, 0, 0, 0, 0, 0.20328202380455888, 0.24278666940753853, 0.099540713671252511,
            0.062507667041199477, 0.14110701852882035, 0.026550636199583701, -0.074444516840706677,
            0.044093469570651257, 0.018570006363965902, -0.054258571808942329},
           {0.04898299458318539, 0, 0, 0, 0, 0.10150765145486555, 0.19731733628477507, 0.080726673320598135,
            0.058514044672471564, 0.024794853802915987, -0.013526045035086157, 0.0031258083577626901,
            -0.022839025728068301, 0.026259381817205254, 0.089452967113049102, 0.005683359356325719}}},
    .bump = {{{-6.1752358443901958, 18.043934699461684, -23.573969988430768, 11.412411525138105},
              {},
              {},
              {},
              {},
              {-2.94893492181676, 57.163312695300206, -154.77767016350808, 111.11341201401169},
              {17.532839613902307, -72.437981971022439, 110.31087869110857, -58.443565523490401},
              {33.844817628213555, -273.37843392912388, 623.36253857751395, -435.96910227007056},
              {-30.649691932162256, 280.11466478791471, -666.46968998765838, 480.84936162201367},
              {22.390814466893164, -194.54946865977994, 459.64756862889066, -341.01320467537759},
              {2.0168106083346051, -26.937754601322448, 72.814482151567789, -62.823957897961509},
              {-1.6637137627349166, 29.446705969730403, -85.143270184311945, 80.108162071697823},
              {1.738827041517067, -33.496304055697482, 97.232164221458072, -89.875242027296861},
              {-0.058686635401850849, 14.966742815082045, -39.568571151440906, 35.731479118326116},
              {-22.538500058276594, 117.96746839012901, -198.1576399922724, 112.95891282162396},
              {-8.2464160670486162, 80.281083938011662, -208.06718996064701, 154.30039888607475},
              {-5.2429301370295091, 2.8160299213164667, 12.390369157730454, 1.6509343353108103}}}};

}  // namespace cnf
