// A method of integration, of any family, and its spelling: "dopri5" adaptive, "rk4:8" and "abm4:50" fixed steps.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "solvers/methods/adams.hpp"
#include "solvers/methods/dirk.hpp"
#include "solvers/methods/reversible.hpp"
#include "solvers/methods/rosenbrock.hpp"
#include "solvers/methods/switching.hpp"
#include "solvers/methods/tableau.hpp"
#include "solvers/methods/variable_adams.hpp"

namespace cnf {

/// One row of one family's table. A family is an alternative here, and a stepper that understands it
/// (steppers/steppers.hpp). Its rows have the members that are visited below.
class Method {
 public:
  using Row = std::variant<const Tableau*, const AdamsMethod*, const VariableAdams*, const DirkTableau*,
                           const RosenbrockTableau*, const SwitchingMethod*, const ReversibleMethod*>;

  Method(const Tableau* row) : row_(row) {}
  Method(const AdamsMethod* row) : row_(row) {}
  Method(const ReversibleMethod* row) : row_(row) {}
  Method(const VariableAdams* row) : row_(row) {}
  Method(const DirkTableau* row) : row_(row) {}
  Method(const RosenbrockTableau* row) : row_(row) {}
  Method(const SwitchingMethod* row) : row_(row) {}

  const Row& row() const { return row_; }
  bool is_null() const;
  std::string_view name() const;  ///< as spelled on the command line
  std::string help() const;       ///< "order 5, adaptive: the default": when to choose it
  int order() const;
  int embedded_order() const;  ///< of its error estimate; 0: none, fixed steps only
  int dense_order() const;     ///< of values between the ends of a step (dense_step.hpp)
  bool is_adaptive() const { return embedded_order() > 0; }
  int evaluations_per_step() const;  ///< of an accepted step in the long run
  bool has_transpose() const;        ///< its steps can be recorded and transposed (discrete_adjoint)
  bool takes_grid() const;           ///< of fixed steps; if not, it chooses more than their sizes
  bool needs_jvp() const;            ///< its steps are implicit: the dynamics must have a jvp
  bool needs_equal_steps() const;    ///< a grid with other fractions than n / N is refused

  bool operator==(const Method&) const = default;

 private:
  Row row_;
};

/// Those to choose from. Couplings (reversible.hpp), which the reversible gradient takes by itself, are found by name.
std::vector<Method> all_methods();
std::optional<Method> find_method(std::string_view name);

/// A method with its number of steps.
struct MethodChoice {
  Method method = &kDopri5;
  int fixed_steps = 0;  ///< 0: adaptive
};

/// Throws std::invalid_argument naming the text and the known methods: an unknown name, a count that is not a whole
/// number from 1 to 1000000, a method without an error estimate and without a count, or one with a count
/// that takes no fixed steps.
MethodChoice parse_method(std::string_view text);

/// What parse_method reads back.
std::string to_string(const MethodChoice& choice);

}  // namespace cnf
