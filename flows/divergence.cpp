#include "flows/divergence.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace cnf {

std::string_view name(Probe probe) { return probe == Probe::rademacher ? "rademacher" : "gaussian"; }

DivergenceChoice parse_divergence(std::string_view text, Probe probe) {
  using Kind = DivergenceChoice::Kind;
  if (text == "auto") return {Kind::automatic, 1, probe};
  if (text == "exact") return {Kind::exact, 1, probe};
  constexpr std::string_view kHutchinson = "hutchinson";
  if (text == kHutchinson) return {Kind::hutchinson, 1, probe};
  if (text.starts_with(kHutchinson) && text[kHutchinson.size()] == ':') {
    int k = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + kHutchinson.size() + 1, end, k);
    if (error == std::errc() && at == end && k >= 1 && k <= kMaxProbes) return {Kind::hutchinson, k, probe};
  }
  throw std::invalid_argument(
      "'" + std::string(text) +
      "' is not a divergence; expected auto, exact, hutchinson or hutchinson:k with k from 1 to " +
      std::to_string(kMaxProbes));
}

std::string to_string(const DivergenceChoice& choice) {
  switch (choice.kind) {
    case DivergenceChoice::Kind::automatic:
      return "auto";
    case DivergenceChoice::Kind::exact:
      return "exact";
    case DivergenceChoice::Kind::hutchinson:
      return "hutchinson:" + std::to_string(choice.probes);
  }
  return {};
}

DivergenceMethod resolve(const DivergenceChoice& choice, bool has_trace, Index dim, bool training) {
  using Kind = DivergenceMethod::Kind;
  constexpr Index kTangentsStillCheap = 4;
  const DivergenceMethod exact =
      has_trace && dim > 1 ? DivergenceMethod{Kind::trace, 0} : DivergenceMethod{Kind::tangents, dim};
  if (choice.kind == DivergenceChoice::Kind::hutchinson) return {Kind::hutchinson, choice.probes};
  if (choice.kind == DivergenceChoice::Kind::automatic && training && exact.columns > kTangentsStillCheap)
    return {Kind::hutchinson, 1};
  return exact;
}

template <class T>
FlowDynamics<T>::FlowDynamics(const Field<T>& field, DivergenceMethod method, const T* probes)
    : field_(field), method_(method), probes_(probes) {
  if (method.kind == DivergenceMethod::Kind::trace && field.trace() == nullptr)
    throw std::invalid_argument("FlowDynamics: this field has no closed form of its divergence; use exact tangents");
}

template <class T>
Index FlowDynamics<T>::tape_size(Index B) const {
  return method_.kind == DivergenceMethod::Kind::trace ? field_.trace()->trace_tape_size(B)
                                                       : field_.tape_size(B, method_.columns);
}

template <class T>
Tile<T> FlowDynamics<T>::tangents(Index B, Scratch& scratch) const {
  const Index D = field_.dim(), columns = method_.columns * B;
  if (method_.kind != DivergenceMethod::Kind::tangents) return {probes_, D, columns};
  T* unit = scratch.take<T>(D * columns);
  std::fill_n(unit, D * columns, T(0));
  for (Index c = 0; c < D; ++c)
    for (Index b = 0; b < B; ++b) unit[(c * B + b) * D + c] = 1;
  return {unit, D, columns};
}

template <class T>
void FlowDynamics<T>::contract(Tile<T> V, const T* JV, Out<T> q) const {
  const Index D = field_.dim(), B = q.cols(), C = method_.columns;
  T* sum = q.data();
  std::fill_n(sum, B, T(0));
  for (Index c = 0; c < C; ++c) {
    const T *jv = JV + c * B * D, *v = V.data() + c * B * D;
    if (method_.kind == DivergenceMethod::Kind::tangents) {
      for (Index b = 0; b < B; ++b) sum[b] += jv[b * D + c];
    } else {
      for (Index b = 0; b < B; ++b)
        for (Index i = 0; i < D; ++i) sum[b] += v[b * D + i] * jv[b * D + i];
    }
  }
  if (method_.kind == DivergenceMethod::Kind::hutchinson) q *= T(1) / static_cast<T>(C);
}

template <class T>
T* FlowDynamics<T>::pull_contraction(Tile<T> V, Tile<T> w_q, Scratch& scratch) const {
  const Index D = field_.dim(), B = w_q.cols(), C = method_.columns;
  T* w_jv = scratch.take<T>(V.size());
  if (method_.kind == DivergenceMethod::Kind::tangents) {
    std::fill_n(w_jv, V.size(), T(0));
    for (Index c = 0; c < C; ++c)
      for (Index b = 0; b < B; ++b) w_jv[(c * B + b) * D + c] = w_q(0, b);
  } else if (C > 0) {
    const T weight = T(1) / static_cast<T>(C);
    for (Index c = 0; c < C; ++c)
      for (Index b = 0; b < B; ++b)
        for (Index i = 0; i < D; ++i) w_jv[(c * B + b) * D + i] = weight * w_q(0, b) * V(i, c * B + b);
  }
  return w_jv;
}

template <class T>
void FlowDynamics<T>::forward(Times<T> t, Tile<T> z, Out<T> dz, Out<T> dq, std::span<T>, T* tape,
                              Scratch& scratch) const {
  if (method_.kind == DivergenceMethod::Kind::trace) return field_.trace()->trace_forward(t, z, dz, dq, tape, scratch);
  const Scratch::Frame frame(scratch);
  const Index B = z.cols(), D = z.rows();
  const Tile<T> V = tangents(B, scratch);
  Out<T> JV(scratch.take<T>(V.size()), D, V.cols());
  field_.forward(t, z, V, dz, JV, tape, scratch);
  if (dq.size() > 0) contract(V, JV.data(), dq);
}

template <class T>
void FlowDynamics<T>::jvp(const T* tape, Tile<T> v, Times<T> t_dot, Out<T> dz_dot, Out<T> dq_dot,
                          Scratch& scratch) const {
  if (method_.kind == DivergenceMethod::Kind::trace)
    return field_.trace()->trace_jvp(tape, v, t_dot, dz_dot, dq_dot, scratch);
  const Scratch::Frame frame(scratch);
  const Index B = v.cols(), D = v.rows();
  const Tile<T> V = tangents(B, scratch);
  Out<T> JV_dot(scratch.take<T>(V.size()), D, V.cols());
  field_.jvp(tape, V, v, t_dot, dz_dot, JV_dot, scratch);
  if (dq_dot.size() > 0) contract(V, JV_dot.data(), dq_dot);
}

template <class T>
void FlowDynamics<T>::vjp(const T* tape, Tile<T> w_z, Tile<T> w_q, Out<T> z_bar, std::span<T> t_bar,
                          std::span<T> params_bar, Scratch& scratch) const {
  if (method_.kind == DivergenceMethod::Kind::trace)
    return field_.trace()->trace_vjp(tape, w_z, w_q, z_bar, t_bar, params_bar, scratch);
  const Scratch::Frame frame(scratch);
  const Tile<T> V = tangents(w_z.cols(), scratch);
  const T* w_jv = pull_contraction(V, w_q, scratch);
  field_.vjp(tape, V, w_z, Tile<T>(w_jv, V.rows(), V.cols()), z_bar, t_bar, params_bar, scratch);
}

template <class T>
void draw_probes(Probe probe, Index columns, Seed seed, std::uint32_t step, std::uint64_t first, Index D, Index B,
                 T* e) {
  for (Index c = 0; c < columns; ++c)
    for (Index b = 0; b < B; ++b)
      for (Index i = 0; i < D; ++i) {
        const auto sample = first + static_cast<std::uint64_t>(b);
        const auto component = static_cast<std::uint32_t>(c * D + i);
        e[(c * B + b) * D + i] = probe == Probe::gaussian
                                     ? static_cast<T>(normal(seed, Purpose::probe, step, sample, component))
                                 : uniform(seed, Purpose::probe, step, sample, component) < 0.5 ? T(-1)
                                                                                                : T(1);
      }
}

template class FlowDynamics<float>;
template class FlowDynamics<double>;
template void draw_probes(Probe, Index, Seed, std::uint32_t, std::uint64_t, Index, Index, float*);
template void draw_probes(Probe, Index, Seed, std::uint32_t, std::uint64_t, Index, Index, double*);

}  // namespace cnf
