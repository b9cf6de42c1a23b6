#include <catch2/catch.hpp>

#include "solvers/integrate.hpp"
#include "solvers/problems/problems.hpp"

namespace cnf {

/// Shu and Osher (1988), J. Comput. Phys. 77, 439-471: order 3, strong stability preserving.
inline constexpr Tableau kSsp3{.name = "ssp3",
                               .stages = 3,
                               .order = 3,
                               .embedded_order = 0,
                               .c = {0, 1, 1. / 2},
                               .b = {1. / 6, 1. / 6, 2. / 3},
                               .e = {},
                               .a = {{{}, {1}, {1. / 4, 1. / 4}}}};
static_assert(is_consistent(kSsp3));

TEST_CASE("a table is a method of integrate", "[extending]") {
  const Problem p = *find_problem("lotka-volterra");
  const auto error = [&](int steps) {
    Scratch scratch;
    Counters counters;
    State<double> state(p.blocks(), 1);
    state.z() = p.begin;
    REQUIRE(
        integrate(*p.dynamics(), p.t_begin, p.t_end, state, {.method = &kSsp3, .fixed_steps = steps}, scratch, counters)
            .ok());
    return (state.z() - p.end).norm();
  };
  CHECK(std::log2(error(4000) / error(8000)) == Approx(3).margin(0.05));
}

}  // namespace cnf
