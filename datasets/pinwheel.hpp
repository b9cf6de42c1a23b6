// Private to toy: the pinwheel, five arms that are a Gaussian, bent.
#pragma once

#include "datasets/toy.hpp"

namespace cnf::toy {

void draw_pinwheel(const ToyDensity::Address& at, double x[2]);
double log_pinwheel(double x, double y);

}  // namespace cnf::toy
