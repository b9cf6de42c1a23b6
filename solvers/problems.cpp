// Invariants. An end without a closed form was computed once, by Taylor series of order 40 with 45 digits; one with it,
// to as many. The tests hold every row to a solve by dopri8 at 1e-13.
#include "solvers/problems.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace cnf {

namespace {

constexpr std::string_view kClosed = "closed form", kTaylor = "Taylor series of order 40, 45 digits";

Vector<double> values(std::initializer_list<double> list) {
  Vector<double> v(static_cast<Index>(list.size()));
  std::copy(list.begin(), list.end(), v.data());
  return v;
}

/// An ellipse of this eccentricity from its pericentre: D1 to D5 of DETEST.
Problem two_body(std::string_view name, double eccentricity, std::initializer_list<double> end,
                 std::string_view source) {
  const double e = eccentricity;
  return {.name = name,
          .equation = equations::TwoBody{},
          .begin = values({1 - e, 0, 0, std::sqrt((1 + e) / (1 - e))}),
          .t_end = 20,
          .end = values(end),
          .end_source = "Kepler's equation, 45 digits",
          .source = source};
}

std::vector<Problem> scalar_problems() {
  return {{.name = "linear-decay",
           .equation = equations::LinearDecay{},
           .params = values({1}),
           .begin = values({1}),
           .t_end = 20,
           .end = values({2.06115362243855782796594038016e-9}),
           .end_source = kClosed,
           .source = "DETEST A1"},
          {.name = "cubic-decay",
           .equation = equations::CubicDecay{},
           .begin = values({1}),
           .t_end = 20,
           .end = values({0.218217890235992381266097485416}),
           .end_source = kClosed,
           .source = "DETEST A2"},
          {.name = "cosine-growth",
           .equation = equations::CosineGrowth{},
           .begin = values({1}),
           .t_end = 20,
           .end = values({2.49165027185041452346117537237}),
           .end_source = kClosed,
           .source = "DETEST A3"},
          {.name = "logistic",
           .equation = equations::Logistic{},
           .params = values({0.25, 20}),
           .begin = values({1}),
           .t_end = 20,
           .end = values({17.7301664813148398488682900586}),
           .end_source = kClosed,
           .source = "DETEST A4"}};
}

std::vector<Problem> planar_problems() {
  return {{.name = "harmonic-oscillator",
           .equation = equations::HarmonicOscillator{},
           .params = values({3}),
           .begin = values({1, 0}),
           .t_end = 20,
           .end = values({-0.952412980415156292693816595993, 0.914431863306650116876948396435}),
           .end_source = kClosed,
           .source = "a mass on a spring"},
          {.name = "lotka-volterra",
           .equation = equations::LotkaVolterra{},
           .params = values({2, 2, 1, 1}),
           .begin = values({1, 3}),
           .t_end = 20,
           .end = values({0.676187600857660660725574058912, 0.186081609964002980075108603516}),
           .end_source = kTaylor,
           .source = "DETEST B1"},
          {.name = "brusselator",
           .equation = equations::Brusselator{},
           .params = values({1, 3}),
           .begin = values({1.5, 3}),
           .t_end = 20,
           .end = values({0.498637071268347848649855482993, 4.59678034945201118320174395313}),
           .end_source = kTaylor,
           .source = "Hairer, Norsett, Wanner I, sec. II.4"},
          {.name = "van-der-pol",
           .equation = equations::VanDerPol{},
           .params = values({1}),
           .begin = values({2, 0}),
           .t_end = 20,
           .end = values({2.00814976217494859201449067303, -0.042508875273202146985925079829}),
           .end_source = kTaylor,
           .source = "DETEST E2"},
          {.name = "van-der-pol-100",
           .equation = equations::VanDerPol{},
           .params = values({100}),
           .begin = values({2, 0}),
           .t_end = 100,
           .end = values({-1.86892415988369536179339789132, 0.00749683831512922312319266002919}),
           .end_source = kTaylor,
           .stiff = true,
           .source = "van der Pol (1926), past one fall"}};
}

std::vector<Problem> orbits() {
  return {two_body("two-body-0.1", 0.1,
                   {0.219883535200839661284946982179, 0.942707684634181308521199307334,
                    -0.978765984105817651457666651359, 0.32879779909620360826252537197},
                   "DETEST D1"),
          two_body("two-body-0.3", 0.3,
                   {-0.177702735714041169331995646142, 0.946778471990589258043536596535,
                    -1.03029416319296957401095567178, 0.121107489005395216334899392187},
                   "DETEST D2"),
          two_body("two-body-0.5", 0.5,
                   {-0.578043295303536123275145836161, 0.863384000919419280133573065247,
                    -0.959508373038072735626449003247, -0.0650491512671209016771935462991},
                   "DETEST D3"),
          two_body("two-body-0.7", 0.7,
                   {-0.953899029341639439739242939194, 0.690740902421943151698711984561,
                    -0.82126742708774330945383763291, -0.153957425912582470799397165028},
                   "DETEST D4"),
          two_body("two-body-0.9", 0.9,
                   {-1.29526625098757436771713933395, 0.400393896379232152729769616294,
                    -0.677539092470756588747636642158, -0.127083815427868618766870326927},
                   "DETEST D5"),
          {.name = "arenstorf",
           .equation = equations::RestrictedThreeBody{},
           .params = values({0.012277471}),
           .begin = values({0.994, 0, 0, -2.00158510637908252240537862224}),
           .t_end = 17.0652165601579625588917206249,
           .end = values({0.994, 0, 0, -2.00158510637908252240537862224}),
           .end_source = "one period",
           .end_error = 2e-11,
           .source = "Hairer, Norsett, Wanner I, sec. II.0"}};
}

}  // namespace

template <class T>
std::unique_ptr<Dynamics<T>> Problem::dynamics() const {
  return std::visit(
      [&]<class F>(const F& f) -> std::unique_ptr<Dynamics<T>> {
        return std::make_unique<DualDynamics<T, F::D, F::P, F>>(f, params.cast<T>());
      },
      equation);
}

std::vector<Problem> all_problems() {
  std::vector<Problem> all;
  for (auto part : {scalar_problems(), planar_problems(), orbits()})
    for (Problem& problem : part) all.push_back(std::move(problem));
  return all;
}

std::optional<Problem> find_problem(std::string_view name) {
  for (Problem& problem : all_problems())
    if (problem.name == name) return problem;
  return {};
}

template std::unique_ptr<Dynamics<float>> Problem::dynamics() const;
template std::unique_ptr<Dynamics<double>> Problem::dynamics() const;

}  // namespace cnf
