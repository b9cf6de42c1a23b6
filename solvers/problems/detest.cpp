// Invariants. The equations and starts are the paper's, the ends are of the starts and constants as rounded to double,
// computed once with 34 digits in two ways that agree to 23: by extrapolation of the midpoint rule and by Gauss
// collocation of order 16. They agree with the ends that Enright and Pryce (1987, ACM Trans. Math. Softw. 13(1), 1-27)
// print, to the digits that theirs are good for.
#include <cmath>

#include "solvers/problems/equations.hpp"
#include "solvers/problems/problem_tables.hpp"

namespace cnf {

using namespace equations;

namespace {

constexpr std::string_view kDetest = "Hull, Enright, Fellen and Sedgwick (1972), SIAM J. Numer. Anal. 9(4), 603-637";

std::vector<Problem> single_equations() {
  return {{.name = "detest-a1",
           .about = "exponential decay",
           .variables = {"z"},
           .equation = equation<Decay>(),
           .begin = values({1}),
           .t_end = 20,
           .end = values({2.0611536224385578279e-9})},
          {.name = "detest-a2",
           .about = "decay by the cube, a case of Riccati's equation",
           .variables = {"z"},
           .equation = equation<CubicDecay>(),
           .begin = values({1}),
           .t_end = 20,
           .end = values({0.21821789023599238126})},
          {.name = "detest-a3",
           .about = "growth at an oscillating rate",
           .variables = {"z"},
           .equation = equation<CosineGrowth>(),
           .begin = values({1}),
           .t_end = 20,
           .end = values({2.4916502718504145234})},
          {.name = "detest-a4",
           .about = "logistic growth",
           .variables = {"z"},
           .equation = equation<Logistic>(),
           .begin = values({1}),
           .t_end = 20,
           .end = values({17.730166481314839848})},
          {.name = "detest-a5",
           .about = "a spiral curve",
           .variables = {"z"},
           .equation = equation<Spiral>(),
           .begin = values({4}),
           .t_end = 20,
           .end = values({-0.78878266889640142373})}};
}

std::vector<Problem> small_systems() {
  return {{.name = "detest-b1",
           .about = "two populations in conflict, of Lotka and Volterra",
           .variables = {"prey", "predators"},
           .equation = equation<LotkaVolterra>(),
           .params = values({2, 2, 1, 1}),
           .begin = values({1, 3}),
           .t_end = 20,
           .end = values({0.67618760085766066072, 0.18608160996400298007})},
          {.name = "detest-b2",
           .about = "a linear chemical reaction",
           .variables = {"A", "B", "C"},
           .equation = equation<LinearReaction>(),
           .begin = values({2, 0, 1}),
           .t_end = 20,
           .end = values({1.0000000010305768112, 1, 0.99999999896942318878})},
          {.name = "detest-b3",
           .about = "a nonlinear chemical reaction",
           .variables = {"A", "B", "C"},
           .equation = equation<QuadraticReaction>(),
           .begin = values({1, 0, 0}),
           .t_end = 20,
           .end = values({2.0611536224385578279e-9, 0.052572280220485125288, 0.94742771771836125227})},
          {.name = "detest-b4",
           .about = "a curve on a torus",
           .variables = {"x", "y", "z"},
           .equation = equation<Torus>(),
           .begin = values({3, 0, 0}),
           .t_end = 20,
           .end = values({0.98269509280065304993, 2.1984470816949297022, 0.91294525072762765437})},
          {.name = "detest-b5",
           .about = "a rigid body left to itself, by Euler's equations",
           .variables = {"sn", "cn", "dn"},
           .equation = equation<RigidBody>(),
           .begin = values({0, 1, 1}),
           .t_end = 20,
           .end = values({-0.93965707987292037576, -0.34211777540007496263, 0.74141265961999530869})}};
}

/// (1, 0, 0..., 0).
Vector<double> first_of(Index n) { return Vector<double>::Unit(n, 0); }

Vector<double> outer_planets() {
  return values({3.42947415189,   3.35386959711,   1.35494901715,   6.64145542550,   5.97156957878,
                 2.18231499728,   11.2630437207,   14.6952576794,   6.27960525067,   -30.1552268759,
                 1.65699966404,   1.43785752721,   -21.1238353380,  28.4465098142,   15.3882659679,
                 -0.557160570446, 0.505696783289,  0.230578543901,  -0.415570776342, 0.365682722812,
                 0.169143213293,  -0.325325669158, 0.189706021964,  0.0877265322780, -0.0240476254170,
                 -0.287659532608, -0.117219543175, -0.176860753121, -0.216393453025, -0.0148647893090});
}

std::vector<Problem> moderate_systems() {
  return {
      {.name = "detest-c1",
       .about = "a chain of ten radioactive decays, all rates equal",
       .variables = {},
       .equation = equation<DecayChain<false>>(),
       .begin = first_of(10),
       .t_end = 20,
       .end = values({2.0611536224385578279e-9, 4.1223072448771156559e-8, 4.1223072448771156559e-7,
                      2.7482048299180771039e-6, 0.000013741024149590385519, 0.000054964096598361542079,
                      0.00018321365532787180693, 0.00052346758665106230551, 0.0013086689666276557637,
                      0.99791274095086498119})},
      {.name = "detest-c2",
       .about = "a chain of ten radioactive decays, rising rates",
       .variables = {},
       .equation = equation<DecayChain<true>>(),
       .begin = first_of(10),
       .t_end = 20,
       .end = values({2.0611536224385578279e-9, 2.0611536181902035726e-9, 2.0611536139418493261e-9,
                      2.0611536096934950883e-9, 2.0611536054451408593e-9, 2.0611536011967866390e-9,
                      2.0611535969484324275e-9, 2.0611535927000782248e-9, 2.0611535884517240308e-9,
                      0.99999998144961755099})},
      {.name = "detest-c3",
       .about = "the heat equation on 10 points",
       .variables = {},
       .equation = equation<Heat>(),
       .begin = first_of(10),
       .t_end = 20,
       .end =
           values({0.0029481192110226994125, 0.0056353801548452959208, 0.0078290725159270382935,
                   0.0093482579085955970833, 0.01007943610301980475, 0.0099826741714294890141, 0.0090886933327653319025,
                   0.0074891151951850850039, 0.005322964130952675595, 0.0027624343790295144323})},
      {.name = "detest-c4",
       .about = "the heat equation on 51 points",
       .variables = {},
       .equation = equation<Heat>(),
       .begin = first_of(51),
       .t_end = 20,
       .end = values({0.0031241114537221030373,  0.0060154168421513227225,   0.0084700218348436107037,
                      0.010336829317333923304,   0.01153249572873920368,     0.012045495257379123852,
                      0.011929570680152191804,   0.011288832071111288414,    0.010258045013909881104,
                      0.0089820175819341699664,  0.007597500902492727868,    0.0062199205568253672388,
                      0.0049359163410094624114,  0.0038014325442563047573,   0.0028442136775879203683,
                      0.0020691233942225834279,  0.0014646872828437805037,   0.0010095452639410039031,
                      0.00067793543302262450207, 0.00044378152691182427915,  0.00028332645429390632496,
                      0.00017650057987970974961, 0.000107334259269755001,    0.000063744976017795543832,
                      0.00003698645309705448434, 0.000020974668326441009509, 0.000011629567104123480249,
                      6.3067104057789840466e-6,  3.3462864308642111775e-6,   1.7377600741811661408e-6,
                      8.8353669042576305066e-7,  4.3995204111202300219e-7,   2.1461818971516787328e-7,
                      1.0259812116573905062e-7,  4.8078640688164994502e-8,   2.2091751525026646154e-8,
                      9.9562512633320343979e-9,  4.4021936538630752323e-9,   1.9101493822598890570e-9,
                      8.1358929216748100068e-10, 3.4024771185674607329e-10,  1.3974856174900842421e-10,
                      5.6385753023372391368e-11, 2.2354597073415190760e-11,  8.7104980319035060373e-12,
                      3.3365542723879093155e-12, 1.2566795659787626158e-12,  4.6543590427571276648e-13,
                      1.6935591399749387620e-13, 5.9965937883867121678e-14,  1.8913306910279896890e-14})},
      {.name = "detest-c5",
       .about = "five planets about the sun",
       .variables = {},
       .equation = equation<OuterPlanets>(),
       .begin = outer_planets(),
       .t_end = 20,
       .end =
           values({-4.7927302243236330064,   -2.4205507254490231247,  -0.92125093060151241347, -4.2173104040352137976,
                   7.3562029474989685193,    3.2237859854212112687,   4.0355594432622713952,   17.19865528670554857,
                   7.4789107942337029562,    -29.987593263248440686,  -4.1073109375509291642,  -0.92770083217544071568,
                   -24.421253025184826919,   23.8145904574655435,     14.920963069513588727,   0.34992089630640009954,
                   -0.57484876879128026135,  -0.25516940208791442528, -0.52370409789033255512, -0.24930004635796628787,
                   -0.080453416420444699335, -0.38752892373341095406, 0.056486032887678902534, 0.030236064721433413037,
                   0.041338565467124479123,  -0.28623930298413790942, -0.11830324051362069817, -0.15119864573592055713,
                   -0.24600688943187655109,  -0.031896874113238773213})}};
}

/// An ellipse of this eccentricity from its pericentre.
Problem orbit(std::string_view name, std::string_view about, double eccentricity, std::initializer_list<double> end) {
  const double e = eccentricity;
  return {.name = name,
          .about = about,
          .variables = {"x", "y", "vx", "vy"},
          .equation = equation<TwoBody>(),
          .begin = values({1 - e, 0, 0, std::sqrt((1 + e) / (1 - e))}),
          .t_end = 20,
          .end = values(end)};
}

std::vector<Problem> orbits() {
  return {orbit("detest-d1", "two bodies, an orbit of eccentricity 0.1", 0.1,
                {0.21988353520084954259, 0.94270768463417822071, -0.97876598410581507291, 0.32879779909621429635}),
          orbit("detest-d2", "two bodies, an orbit of eccentricity 0.3", 0.3,
                {-0.17770273571403276934, 0.9467784719905884326, -1.0302941631929711354, 0.12110748900540413476}),
          orbit("detest-d3", "two bodies, an orbit of eccentricity 0.5", 0.5,
                {-0.57804329530354558874, 0.86338400091941841293, -0.95950837303806762995, -0.065049151267128815174}),
          orbit("detest-d4", "two bodies, an orbit of eccentricity 0.7", 0.7,
                {-0.95389902934161710198, 0.69074090242194798976, -0.8212674270877595797, -0.15395742591257023818}),
          orbit("detest-d5", "two bodies, an orbit of eccentricity 0.9", 0.9,
                {-1.2952662509875885142, 0.40039389637922910805, -0.67753909247074521611, -0.12708381542787229692})};
}

std::vector<Problem> higher_order_equations() {
  return {{.name = "detest-e1",
           .about = "Bessel's equation of order 1/2",
           .variables = {"x", "v"},
           .equation = equation<Bessel>(),
           .begin = values({0.6713967071418030, 0.09540051444747446}),
           .t_end = 20,
           .end = values({0.14567236007282465279, -0.098835001955745779827})},
          {.name = "detest-e2",
           .about = "van der Pol's equation, mu = 1",
           .variables = {"x", "v"},
           .equation = equation<VanDerPol>(),
           .params = values({1}),
           .begin = values({2, 0}),
           .t_end = 20,
           .end = values({2.008149762174948592, -0.042508875273202146985})},
          {.name = "detest-e3",
           .about = "Duffing's equation with a force",
           .variables = {"x", "v"},
           .equation = equation<Duffing>(),
           .begin = values({0, 0}),
           .t_end = 20,
           .end = values({-0.10041788586472506156, 0.24114001320959340599})},
          {.name = "detest-e4",
           .about = "a body that falls through air",
           .variables = {"x", "v"},
           .equation = equation<FallingBody>(),
           .begin = values({30, 0}),
           .t_end = 20,
           .end = values({33.950914446465563989, 0.27678226596728677525})},
          {.name = "detest-e5",
           .about = "a curve of pursuit",
           .variables = {"x", "v"},
           .equation = equation<Pursuit>(),
           .begin = values({0, 0}),
           .t_end = 20,
           .end = values({14.117973905426254682, 2.4})}};
}

}  // namespace

std::vector<Problem> detest_problems() {
  std::vector<Problem> all;
  for (auto part : {single_equations(), small_systems(), moderate_systems(), orbits(), higher_order_equations()})
    for (Problem& problem : part) {
      problem.source = kDetest;
      all.push_back(std::move(problem));
    }
  return all;
}

}  // namespace cnf
