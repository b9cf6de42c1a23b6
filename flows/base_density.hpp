// The density that a flow begins from, in unit coordinates.
#pragma once

#include <string_view>
#include <variant>

#include "base/random.hpp"
#include "base/types.hpp"
#include "flows/layout.hpp"

namespace cnf {

/// N(0, I): log p(z) = -|z|^2 / 2 - D/2 log 2 pi.
struct NormalBase {
  static constexpr std::string_view kKind = "normal";

  Layout layout(Index) const { return {}; }
  /// log p of one point z of D values, nats; if w is not null, adds scale d log p / dz to its D values.
  template <class T>
  double log_prob(const T* z, Index D, T scale = T(0), T* w = nullptr) const;
  /// Fills z (D x B) with samples first .. first + B - 1 of the stream that `seed` names.
  void sample(Seed seed, std::uint64_t first, Out<double> z) const;
};

/// To add one: a struct as NormalBase, with parameters of its own if its layout has tensors, and its name here.
using Base = std::variant<NormalBase>;

std::string_view kind(const Base& base);
Layout layout(const Base& base, Index D);

/// Fills z (D x B) with samples first .. first + B - 1 of the stream that `seed` names.
void sample_base(const Base& base, Seed seed, std::uint64_t first, Out<double> z);

/// log p of every column of z (D x N), nats.
Vector<double> log_prob(const Base& base, const Eigen::Ref<const Batch>& z);

}  // namespace cnf
