// Private to potential.cpp and potential_trace.cpp: what lies on a potential field's tape, and its derivatives.
#pragma once

#include "flows/fields/potential.hpp"

namespace cnf {

namespace potential {

template <class T>
using Array = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;
template <class T>
using ConstArray = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

}  // namespace potential

template <class T>
struct PotentialField<T>::On {
  On(const PotentialField& f, T* tape, Index samples)
      : B(samples), n(f.M_ * samples), s(tape), p(s + (f.D_ + 1) * B), u(p + n), p1(u + n), z1(p1 + n), y(z1 + n) {}
  On(const PotentialField& f, const T* tape, Index samples) : On(f, const_cast<T*>(tape), samples) {}
  potential::ConstArray<T> all(const T* x) const { return {x, n}; }

  Index B, n;  ///< samples; their units
  T *s, *p, *u, *p1, *z1;
  T* y;  ///< of the closed form: width x (D B), unit vector i of sample b in column i B + b
};

template <class T>
struct PotentialField<T>::Moved {
  T *p, *z1, *p1;  ///< M x B each: the derivatives of what the tape has
};

template <class T>
struct PotentialField<T>::Bars {
  T* gradient;    ///< (D + 1) x B: of grad Phi
  T *z1, *p, *d;  ///< M x B each
  T* yy;          ///< M x B: sum over tangents of y_l o y_v, by which w and d_1 have their cotangents
  T* S;           ///< (D + 1) x (D + 1): of A^T A, as if it were free
};

}  // namespace cnf
