// Each kernel is a product (product-inl.hpp) and an ending for its blocks, in registers or while they lie in L1.
#include "base/kernels/layer.hpp"

#ifndef CNF_BASE_KERNELS_LAYER_TABLE  // this file is read once per instruction set
#define CNF_BASE_KERNELS_LAYER_TABLE
namespace cnf::kernels {

/// One type's kernels for one instruction set.
template <class T>
struct KernelTable {
  decltype(&cnf::kernels::layer_forward<T>) forward;
  decltype(&cnf::kernels::pull_layer<T>) pull_layer;
  decltype(&cnf::kernels::pull_slope<T>) pull_slope;
  decltype(&cnf::kernels::pull_weight<T>) pull_weight;
  decltype(&cnf::kernels::slopes<T>) slopes;
};

}  // namespace cnf::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/kernels/layer.cpp"
#include "hwy/foreach_target.h"
// clang-format off: ours must follow foreach_target.h
#include "base/kernels/activation-inl.hpp"
#include "base/kernels/product-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace cnf::kernels::HWY_NAMESPACE {

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
using Lanes = hn::Vec<Tag<T>>;

/// What the endings here have in common. Passing vectors on in registers is for float and wide vectors, where the time
/// goes; kTangents: for one and two tangents too.
template <class T>
struct Ending {
  static constexpr bool kPlain = false, kInRegisters = sizeof(T) == sizeof(float) && HWY_CAP_GE256, kTangents = false,
                        kSums = false, kValueFirst = true;
  struct State {};
  HWY_INLINE Index columns() const { return 1; }
  HWY_INLINE void fix_tangents(Index) {}
  template <class Access>
  HWY_INLINE State begin(Access, Index, Index) const {
    return {};
  }
  template <class Access>
  HWY_INLINE void tangent(Access, Lanes<T>, Index, Index, Index, State&) const {}
};

/// Y = A diag(scale) X, ended by `end`; with kOuter and S not null also S = H X^T. Two deep it is a plane_product, for
/// any activation: that writes an ending out once a vector, not once for each of a block's. Shapes  A: m x k; scale: k,
/// or null for ones; X: k x n; H and Y: m x n; S: m x k.
template <bool kOuter = false, class T, class End>
void forward_product(Index m, Index k, Index n, const T* A, std::type_identity_t<const T*> scale, const T* X, T* Y,
                     const End& end, std::type_identity_t<const T*> H = nullptr, std::type_identity_t<T*> S = nullptr) {
  if constexpr (Ending<T>::kInRegisters) {
    if (k == 2 && end.columns() == 1) return plane_product<1, kOuter>(m, n, A, scale, X, end, H, S);
    if constexpr (End::kTangents) {
      if (k == 2 && end.columns() == 3) return plane_product<3, kOuter>(m, n / 3, A, scale, X, end, H, S);
    }
  }
  product(m, k, n, A, m, scale, Operand<false, T>{X, k}, Y, m, false, end);
  if constexpr (kOuter) {
    if (S) transposed_product(m, k, n, H, m, X, k, S, m, false, Store());
  }
}

template <class Phi, class Access, class T>
HWY_INLINE Lanes<T> load_slope(Access access, const T* s) {
  if constexpr (Phi::kSaves) {
    return access.load(s);
  } else {
    return hn::Zero(Tag<T>());
  }
}

template <class Phi, class T, bool kSlope>
struct Forward : Ending<T> {
  static constexpr bool kInRegisters = Ending<T>::kInRegisters && Phi::kShort, kTangents = kSlope;
  LayerMap<T> layer;
  Index C;
  T *h, *s, *d, *a;
  Forward(const LayerMap<T>& map, Index C_, T* h_, T* s_, T* d_, T* a_)
      : layer(map), C(C_), h(h_), s(s_), d(d_), a(a_) {}
  struct State {
    Lanes<T> g, slope;
  };
  HWY_INLINE Index columns() const { return 1 + C; }
  HWY_INLINE void fix_tangents(Index count) { C = count; }

  template <class Access>
  HWY_INLINE State begin(Access access, Index r, Index b) const {
    return {access.load(layer.g + b * layer.g_stride + r), hn::Zero(Tag<T>())};
  }
  template <class Access>
  HWY_INLINE Lanes<T> value(Access access, Lanes<T> y, Index r, Index b, State& at) const {
    const Tag<T> tag;
    auto slope = hn::Zero(tag), c = access.load(layer.c + b * layer.c_stride + r);
    if (layer.w_t) c = hn::MulAdd(access.load(layer.w_t + r), hn::Set(tag, layer.t[b]), c);
    const auto value = Phi::template value < kSlope && Phi::kSaves > (tag, hn::MulAdd(y, at.g, c), slope);
    access.store(value, h + b * (1 + C) * layer.out + r);
    if constexpr (kSlope) {
      at.slope = hn::Mul(Phi::first(tag, value, slope), at.g);
      if (Phi::kSaves && s) access.store(slope, s + b * layer.out + r);
      if (d) access.store(at.slope, d + b * layer.out + r);
    }
    return y;
  }
  template <class Access>
  HWY_INLINE void tangent(Access access, Lanes<T> y, Index r, Index b, Index c, State& at) const {
    access.store(hn::Mul(at.slope, y), h + (b * (1 + C) + 1 + c) * layer.out + r);
    if (!Phi::kRatio && a) access.store(hn::Mul(at.g, y), a + (b * C + c) * layer.out + r);
  }
};

template <class T>
void layer_forward(const LayerMap<T>& layer, Activation phi, Index B, Index C, const T* x, T* h, T* s, T* d, T* a) {
  with(phi, [&](auto type) HWY_ATTR {
    const auto run = [&](const auto& end)
                         HWY_ATTR { forward_product(layer.out, layer.in, (1 + C) * B, layer.W, nullptr, x, h, end); };
    if (C > 0 || s || d) {
      run(Forward<decltype(type), T, true>(layer, C, h, s, d, a));
    } else {
      run(Forward<decltype(type), T, false>(layer, C, h, s, d, a));
    }
  });
}

template <class Phi, class T>
struct Pull : Ending<T> {
  static constexpr bool kTangents = true, kSums = true, kValueFirst = false;
  Hidden<T> below;
  const T *m, *Q;  // m: h_c or a_c, from the first tangent of sample 0 on, m_stride columns a sample
  Index m_stride;
  T *V, *sum;
  Pull(const Hidden<T>& at, const T* Q_, T* V_, T* sum_)
      : below(at),
        m(Phi::kRatio ? at.h + at.size : at.a),
        Q(Q_),
        m_stride(Phi::kRatio ? 1 + at.C : at.C),
        V(V_),
        sum(sum_) {}
  struct State {
    Lanes<T> h, s, slope, q;
  };
  HWY_INLINE Index columns() const { return 1 + below.C; }
  HWY_INLINE void fix_tangents(Index count) { below.C = count; }

  template <class Access>
  HWY_INLINE State begin(Access access, Index r, Index b) const {
    const Tag<T> tag;
    State at;
    at.h = access.load(below.h + b * (1 + below.C) * below.size + r);
    at.s = load_slope<Phi>(access, below.s + b * below.size + r);
    at.slope = Phi::first(tag, at.h, at.s);
    at.q = hn::Zero(tag);
    return at;
  }
  template <class Access>
  HWY_INLINE void tangent(Access access, Lanes<T> y, Index r, Index b, Index c, State& at) const {
    at.q = hn::MulAdd(access.load(m + (b * m_stride + c) * below.size + r), y, at.q);
    access.store(hn::Mul(at.slope, y), V + (b * (1 + below.C) + 1 + c) * below.size + r);
  }
  template <class Access>
  HWY_INLINE Lanes<T> value(Access access, Lanes<T> y, Index r, Index b, State& at) const {
    const Tag<T> tag;
    auto v = hn::Mul(at.slope, y);
    if (below.C > 0) {
      if constexpr (Phi::kRatio) {
        v = hn::MulAdd(Phi::ratio(tag, at.h, at.s), at.q, v);
      } else {
        v = hn::MulAdd(Phi::second(tag, at.h, at.s), at.q, v);
      }
    } else if (Q) {
      v = hn::MulAdd(Phi::second(tag, at.h, at.s), access.load(Q + b * below.size + r), v);
    }
    access.store(v, V + b * (1 + below.C) * below.size + r);
    return v;
  }
  template <class Access>
  HWY_INLINE void total(Access access, Lanes<T> part, Index r) const {
    access.store(hn::Add(access.load(sum + r), part), sum + r);
  }
};

template <class T>
void pull_layer(const Hidden<T>& below, Index n, const T* Wt, const T* g, const T* U, const T* Q, T* V, T* sum, T* S) {
  with(below.phi, [&](auto type) HWY_ATTR {
    forward_product<true>(below.size, n, (1 + below.C) * below.B, Wt, g, U, V,
                          Pull<decltype(type), T>(below, Q, V, sum), below.h, S);
  });
}

template <class Phi, class T>
struct PullSlope : Ending<T> {
  using typename Ending<T>::State;
  Hidden<T> at;
  const T* g;
  T* g_bar;
  Index stride;
  T *Q, *d;
  PullSlope(const Hidden<T>& at_, const T* g_, T* g_bar_, Index stride_, T* Q_, T* d_)
      : at(at_), g(g_), g_bar(g_bar_), stride(stride_), Q(Q_), d(d_) {}

  template <class Access>
  HWY_INLINE Lanes<T> value(Access access, Lanes<T> e, Index r, Index b, State&) const {
    const Index own = b * at.size + r, gate = b * stride + r;
    const auto slope = Phi::first(Tag<T>(), access.load(at.h + own), load_slope<Phi>(access, at.s + own));
    const auto scale = access.load(g + gate);
    access.store(hn::MulAdd(slope, e, access.load(g_bar + gate)), g_bar + gate);
    access.store(hn::Mul(scale, e), Q + own);
    access.store(hn::Mul(slope, scale), d + own);
    return e;
  }
};

template <class T>
void pull_slope(const Hidden<T>& at, Index n, const T* Mt, const T* E, const T* g, T* g_bar, Index stride, T* Q, T* d) {
  with(at.phi, [&](auto type) HWY_ATTR {
    const PullSlope<decltype(type), T> end(at, g, g_bar, stride, Q, d);
    if (Mt) {
      forward_product(at.size, n, at.B, Mt, nullptr, E, Q, end);
    } else {
      finish(end, 0, at.size, 0, at.B, E, at.size);
    }
  });
}

template <class T>
struct PullWeight : Ending<T> {
  static constexpr bool kSums = true;
  using typename Ending<T>::State;
  Index out;
  const T *W, *g;
  T *W_bar, *g_bar;
  PullWeight(Index out_, const T* W_, const T* g_, T* W_bar_, T* g_bar_)
      : out(out_), W(W_), g(g_), W_bar(W_bar_), g_bar(g_bar_) {}

  template <class Access>
  HWY_INLINE Lanes<T> value(Access access, Lanes<T> s, Index r, Index column, State&) const {
    const Index at = column * out + r;
    access.store(hn::MulAdd(access.load(g + r), s, access.load(W_bar + at)), W_bar + at);
    return hn::Mul(access.load(W + at), s);
  }
  template <class Access>
  HWY_INLINE void total(Access access, Lanes<T> part, Index r) const {
    access.store(hn::Add(access.load(g_bar + r), part), g_bar + r);
  }
};

template <class T>
void pull_weight(Index out, Index in, Index n, const T* U, const T* x, const T* W, const T* g, T* S, T* W_bar,
                 T* g_bar) {
  transposed_product(out, in, n, U, out, x, in, S, out, false, PullWeight<T>(out, W, g, W_bar, g_bar));
}

template <class Phi, class T>
struct Slopes : Ending<T> {
  using typename Ending<T>::State;
  Hidden<T> at;
  T *dh, *d2h;
  Slopes(const Hidden<T>& at_, T* dh_, T* d2h_) : at(at_), dh(dh_), d2h(d2h_) {}

  template <class Access>
  HWY_INLINE Lanes<T> value(Access access, Lanes<T> h, Index r, Index b, State&) const {
    const Tag<T> tag;
    const auto s = load_slope<Phi>(access, at.s + b * at.size + r);
    access.store(Phi::first(tag, h, s), dh + b * at.size + r);
    access.store(Phi::second(tag, h, s), d2h + b * at.size + r);
    return h;
  }
};

template <class T>
void slopes(const Hidden<T>& at, T* dh, T* d2h) {
  with(at.phi, [&](auto type) HWY_ATTR {
    finish(Slopes<decltype(type), T>(at, dh, d2h), 0, at.size, 0, at.B, at.h, (1 + at.C) * at.size);
  });
}

bool saves(Activation phi) {
  bool answer = false;
  with(phi, [&answer](auto type) HWY_ATTR { answer = decltype(type)::kSaves; });
  return answer;
}
bool ratio(Activation phi) {
  bool answer = false;
  with(phi, [&answer](auto type) HWY_ATTR { answer = decltype(type)::kRatio; });
  return answer;
}

// HWY_EXPORT takes no template arguments: one function that hands out all of a type's kernels.
KernelTable<float> table_f32() { return {layer_forward, pull_layer, pull_slope, pull_weight, slopes}; }
KernelTable<double> table_f64() { return {layer_forward, pull_layer, pull_slope, pull_weight, slopes}; }

}  // namespace cnf::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cnf::kernels {
namespace {

HWY_EXPORT(table_f32);
HWY_EXPORT(table_f64);

template <class T>
KernelTable<T> table() {
  if constexpr (sizeof(T) == sizeof(float)) {
    return HWY_DYNAMIC_DISPATCH(table_f32)();
  } else {
    return HWY_DYNAMIC_DISPATCH(table_f64)();
  }
}

}  // namespace

bool saves_slope(Activation phi) { return HWY_STATIC_DISPATCH(saves)(phi); }
bool has_ratio(Activation phi) { return HWY_STATIC_DISPATCH(ratio)(phi); }

template <class T>
void layer_forward(const LayerMap<T>& layer, Activation phi, Index B, Index C, const T* x, T* h, T* s, T* d, T* a) {
  table<T>().forward(layer, phi, B, C, x, h, s, d, a);
}
template <class T>
void pull_layer(const Hidden<T>& below, Index n, const T* Wt, const T* g, const T* U, const T* Q, T* V, T* sum, T* S) {
  table<T>().pull_layer(below, n, Wt, g, U, Q, V, sum, S);
}
template <class T>
void pull_slope(const Hidden<T>& at, Index n, const T* Mt, const T* E, const T* g, T* g_bar, Index stride, T* Q, T* d) {
  table<T>().pull_slope(at, n, Mt, E, g, g_bar, stride, Q, d);
}
template <class T>
void pull_weight(Index out, Index in, Index n, const T* U, const T* x, const T* W, const T* g, T* S, T* W_bar,
                 T* g_bar) {
  table<T>().pull_weight(out, in, n, U, x, W, g, S, W_bar, g_bar);
}

template <class T>
void slopes(const Hidden<T>& at, T* dh, T* d2h) {
  table<T>().slopes(at, dh, d2h);
}

#define CNF_INSTANTIATE(T)                                                                               \
  template void layer_forward(const LayerMap<T>&, Activation, Index, Index, const T*, T*, T*, T*, T*);   \
  template void pull_layer(const Hidden<T>&, Index, const T*, const T*, const T*, const T*, T*, T*, T*); \
  template void pull_slope(const Hidden<T>&, Index, const T*, const T*, const T*, T*, Index, T*, T*);    \
  template void pull_weight(Index, Index, Index, const T*, const T*, const T*, const T*, T*, T*, T*);    \
  template void slopes(const Hidden<T>&, T*, T*);
CNF_INSTANTIATE(float)
CNF_INSTANTIATE(double)
#undef CNF_INSTANTIATE

}  // namespace cnf::kernels
#endif  // HWY_ONCE
