// The activations of a network and their names. The functions themselves: activation-inl.hpp; their errors: layer.hpp.
#pragma once

#include <string_view>

namespace cnf {

enum class Activation { tanh, softplus, silu, sin, relu };
inline constexpr Activation kAllActivations[] = {Activation::tanh, Activation::softplus, Activation::silu,
                                                 Activation::sin, Activation::relu};
std::string_view name(Activation activation);  ///< as spelled on the command line

}  // namespace cnf
