#include "solvers/status.hpp"

#include "base/number_text.hpp"

namespace cnf {

std::string_view name(Status::Code code) {
  switch (code) {
    case Status::Code::ok:
      return "ok";
    case Status::Code::step_limit:
      return "step_limit";
    case Status::Code::step_underflow:
      return "step_underflow";
    case Status::Code::non_finite:
      return "non_finite";
    case Status::Code::stopped:
      return "stopped";
  }
  return "unknown";
}

std::string Status::message() const {
  if (code == Code::ok) return "ok";
  const std::string steps = std::to_string(accepted + rejected) + " steps (" + std::to_string(rejected) + " rejected)";
  const std::string at = "t = " + significant(t, 6), size = significant(h, 2);
  std::string text(name(code));
  text += ": ";
  if (row >= 0) text += "row " + std::to_string(row) + ": ";
  switch (code) {
    case Code::ok:
      break;
    case Code::step_limit:
      text += steps + " reached " + at + ", last step " + size +
              "; raise max_steps or loosen rtol and atol (the field may be stiff there)";
      break;
    case Code::step_underflow:
      text +=
          "step size " + size + " underflowed at " + at + " after " + steps +
          "; the solution blows up or jumps there, or rtol and atol are below rounding: loosen them, or shorten the "
          "time span";
      break;
    case Code::non_finite:
      text += "a value became NaN or infinite at " + at + ", step size " + size + ", after " + steps +
              "; the data, the parameters or the field itself are not finite there: check them, or take smaller steps";
      break;
    case Code::stopped:
      text += "asked to end at " + at + ", after " + steps;
      break;
  }
  return text;
}

Counters& Counters::operator+=(const Counters& other) {
  evaluations += other.evaluations;
  accepted += other.accepted;
  rejected += other.rejected;
  failing += other.failing;
  return *this;
}

}  // namespace cnf
