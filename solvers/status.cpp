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
    case Status::Code::unsolved:
      return "unsolved";
    case Status::Code::too_fine:
      return "too_fine";
    case Status::Code::memory_limit:
      return "memory_limit";
    case Status::Code::not_reversed:
      return "not_reversed";
  }
  return "unknown";
}

namespace {

/// Of a step_limit, step_underflow or too_fine.
std::string remedy(const Status& status) {
  switch (status.cause) {
    case Status::Cause::float_rounding:
      return "rtol and atol are below what float holds there: solve in double precision (--precision double), or "
             "loosen them";
    case Status::Cause::double_rounding:
      return "rtol and atol are below what double holds there, and no precision here holds more: loosen them";
    case Status::Cause::stiffness:
      return "the field looks stiff there (step times steepness is " + significant(status.stiffness, 2) +
             "), and more steps help little: take a solver for stiff fields, or loosen rtol and atol";
    case Status::Cause::min_step:
      return "lower min_step, or loosen rtol and atol";
    case Status::Cause::clock:
      return "times so large cannot tell such steps apart: let the span begin near 0";
    case Status::Cause::unknown:
      break;
  }
  if (status.code == Status::Code::step_limit)
    return "raise max_steps or loosen rtol and atol (the field may be stiff there)";
  return "the solution blows up or jumps there: shorten the time span, give the time of a jump to jumps, or loosen "
         "rtol and atol";
}

}  // namespace

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
      text += steps + " reached " + at + ", last step " + size + "; " + remedy(*this);
      break;
    case Code::step_underflow:
      text += "step size " + size + (cause == Cause::min_step ? ", min_step, is too long" : " underflowed") + " at " +
              at + " after " + steps + "; " + remedy(*this);
      break;
    case Code::non_finite:
      text += "a value became NaN or infinite at " + at + ", step size " + size + ", after " + steps +
              "; the data, the parameters or the field itself are not finite there: check them, or take smaller steps";
      break;
    case Code::stopped:
      text += "asked to end at " + at + ", after " + steps;
      break;
    case Code::unsolved:
      text += "the equations of an implicit step of size " + size + " at " + at + " were not solved, after " + steps +
              "; take more steps, or leave their sizes to the error control";
      break;
    case Code::too_fine:
      text += steps + " reached " + at + "; " + remedy(*this);
      break;
    case Code::memory_limit:
      text += "the gradient's memory held the steps up to " + at + " of " + steps +
              "; raise it, or take the discrete gradient, which computes steps again";
      break;
    case Code::not_reversed:
      text += "taking " + std::to_string(accepted) +
              " steps back missed their start: rounding has grown too much; take fewer steps, --precision double, or " +
              "the discrete gradient";
      break;
  }
  return text;
}

Counters& Counters::operator+=(const Counters& other) {
  evaluations += other.evaluations;
  accepted += other.accepted;
  rejected += other.rejected;
  failing += other.failing;
  jvps += other.jvps;
  switches += other.switches;
  return *this;
}

Counters Counters::per_solve(std::int64_t solves) const {
  Counters mean = *this;
  for (std::int64_t* count :
       {&mean.evaluations, &mean.accepted, &mean.rejected, &mean.failing, &mean.jvps, &mean.switches})
    *count = solves == 0 ? 0 : (*count + solves / 2) / solves;
  return mean;
}

}  // namespace cnf
