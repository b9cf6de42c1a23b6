#include "flows/kernels/activation.hpp"

#include <stdexcept>
#include <string>

namespace cnf {

std::string_view name(Activation activation) {
  switch (activation) {
    case Activation::tanh:
      return "tanh";
    case Activation::softplus:
      return "softplus";
    case Activation::silu:
      return "silu";
    case Activation::sin:
      return "sin";
    case Activation::relu:
      return "relu";
  }
  throw std::invalid_argument("name: no activation has the number " + std::to_string(static_cast<int>(activation)));
}

}  // namespace cnf
