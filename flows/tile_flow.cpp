// Invariants. Between begin and the next begin flow_, options_, methods_ and probes_ describe one tile, so that every
// solve of it, forward and backward, sees the same dynamics. A carry to the base passes blocks K - 1 ... 0, each from
// its t_data to its t_base, and state_ goes on from one to the next: q adds up over blocks. solves_[k] belongs to the
// last recorded carry, which went recorded_; pull passes them in the opposite order.
#include "flows/tile_flow.hpp"

#include <algorithm>
#include <stdexcept>

#include "solvers/masked.hpp"

namespace cnf {

namespace {

template <class T>
const Dynamics<T>& as_dynamics(const std::variant<FlowDynamics<T>, RegularisedDynamics<T>>& f) {
  return std::visit([](const auto& of) -> const Dynamics<T>& { return of; }, f);
}

}  // namespace

template <class T>
BoundCnf<T>::BoundCnf(const Cnf& model, const Vector<T>& params) : model_(model) {
  fields_.reserve(model.blocks.size());
  begins_.reserve(model.blocks.size() + 1);
  begins_.push_back(0);
  Index at = 0;
  for (const Block& block : model.blocks) {
    // The last field gets what is left, and refuses another number of values: no layout is made to compare with.
    const Index size = &block == &model.blocks.back() ? params.size() - at : layout(block.field).size;
    if (size < 0)
      throw std::invalid_argument("BoundCnf: " + std::to_string(params.size()) + " parameters are too few for " +
                                  std::to_string(model.blocks.size()) + " blocks");
    fields_.push_back(make_field<T>(block.field, {params.data() + at, static_cast<std::size_t>(size)}));
    at += size;
    begins_.push_back(begins_.back() + fields_.back()->gradient_size());
  }
}

template <class T>
ShareSize BoundCnf<T>::share_size(bool tails) const {
  const Index last = tails ? begins_.back() : begins_[blocks() - 1] + fields_.back()->parameters();
  return {begins_.back(), last, 2 * blocks()};
}

template <class T>
std::span<T> BoundCnf<T>::bar(std::size_t k, Vector<T>& params_bar) const {
  return {params_bar.data() + begins_[k], static_cast<std::size_t>(begins_[k + 1] - begins_[k])};
}

template <class T>
Index BoundCnf<T>::fold(Vector<T>& params_bar, bool tails) const {
  Index at = 0;
  for (std::size_t k = 0; k < blocks(); ++k) {
    if (tails) field(k).fold_derived(bar(k, params_bar));
    const Index size = field(k).parameters();
    if (at != begins_[k]) std::copy_n(params_bar.data() + begins_[k], size, params_bar.data() + at);
    at += size;
  }
  return at;
}

template <class T>
void TileFlow<T>::prepare(const BoundCnf<T>& flow, const FlowOptions& options, Use use, const TileAddress& at,
                          Index rows) {
  flow_ = &flow;
  options_ = &options;
  t_base_ = flow.model().blocks.front().t_base;
  beside_ = use == Use::training ? std::span<const Quadrature>(options.beside) : std::span<const Quadrature>();
  const bool closed_form = std::none_of(beside_.begin(), beside_.end(), needs_tangents);
  const Index D = flow.model().dim();
  methods_.assign(flow.blocks(), {});
  Index columns = 0;
  for (std::size_t k = 0; k < flow.blocks() && use != Use::points; ++k) {
    methods_[k] = resolve(options.divergence, closed_form && flow.field(k).trace() != nullptr, D, use == Use::training);
    if (methods_[k].kind == DivergenceMethod::Kind::hutchinson) columns = methods_[k].columns;
  }
  if (columns > 0) {
    if (probes_.size() < D * columns * rows) probes_.resize(D * columns * rows);
    draw_probes(options.divergence.probe, columns, at.seed, at.step, at.first, D, rows, probes_.data());
  }
  const AnyDynamics first = dynamics(0, Way::to_base);
  const Blocks blocks = as_dynamics<T>(first).blocks();
  if (state_.B != rows || state_.blocks.z != blocks.z || state_.blocks.q != blocks.q)
    state_ = State<T>(blocks, rows);
  else
    state_.values.setZero();
}

template <class T>
typename TileFlow<T>::Leg TileFlow<T>::leg(Way way, std::size_t n) const {
  const bool to_base = way == Way::to_base;
  const std::size_t k = to_base ? flow_->blocks() - 1 - n : n;
  const Block& block = flow_->model().blocks[k];
  return {k, to_base ? block.t_data : t_base(k), to_base ? t_base(k) : block.t_data};
}

template <class T>
auto TileFlow<T>::dynamics(std::size_t k, Way way) const -> AnyDynamics {
  const Field<T>& field = flow_->field(k);
  if (beside_.empty()) return FlowDynamics<T>(field, methods_[k], probes_.data());
  const bool up = t_base(k) < flow_->model().blocks[k].t_data;
  return RegularisedDynamics<T>(field, methods_[k], probes_.data(), beside_, up == (way == Way::to_data));
}

template <class T>
void TileFlow<T>::reserve() {
  if (solves_.size() < flow_->blocks()) solves_.resize(flow_->blocks());
  for (std::size_t k = 0; k < flow_->blocks(); ++k)
    solves_[k].reserve(as_dynamics<T>(dynamics(k, Way::to_base)), state_.B, options_->solve, gradient());
}

template <class T>
Status TileFlow<T>::through(Way way, Counters& counters, Keep keep, std::span<const SolveOptions> by_block,
                            std::span<const char> active, std::span<char> bad) {
  const std::size_t K = flow_->blocks();
  const GradientOptions how = gradient();
  if (keep == Keep::all && solves_.size() < K) solves_.resize(K);
  Status status;
  for (std::size_t n = 0; n < K && status.ok(); ++n) {
    const auto [k, t_begin, t_end] = leg(way, n);
    const AnyDynamics any = dynamics(k, way);
    const Dynamics<T>& f = as_dynamics<T>(any);
    const SolveOptions& solve = by_block.empty() ? options_->solve : by_block[k];
    if (keep == Keep::all)
      status = solves_[k].forward(f, t_begin, t_end, state_, solve, how, scratch_, counters);
    else
      status = integrate(f, t_begin, t_end, state_, solve, scratch_, counters,
                         {.listener = listeners_.empty() ? nullptr : listeners_[k], .active = active, .bad = bad});
  }
  return status;
}

template <class T>
Status TileFlow<T>::carry_frozen(Way way, std::span<const FrozenGrid> by_block, Counters& counters,
                                 std::span<double> corrections) {
  Status status;
  for (std::size_t n = 0; n < flow_->blocks() && status.ok(); ++n) {
    const auto [k, t_begin, t_end] = leg(way, n);
    const AnyDynamics f = dynamics(k, way);
    status = walk_grid(as_dynamics<T>(f), t_begin, t_end, state_, by_block[k], options_->solve.stop, scratch_, counters,
                       corrections);
  }
  return status;
}

template <class T>
std::vector<Status> TileFlow<T>::carry_masked(Way way, std::vector<char>& active, Counters& counters,
                                              std::int64_t failing_steps) {
  const std::int64_t budget = options_->solve.fixed_steps == 0 ? options_->solve.max_steps : 0;
  const auto once = [&](std::span<const char> on, std::span<char> bad) {
    return through(way, counters, Keep::nothing, {}, on, bad);
  };
  return masked(state_, active, budget, scratch_, once, failing_steps);
}

template <class T>
std::vector<SolveOptions> TileFlow<T>::frozen() const {
  std::vector<SolveOptions> result(flow_->blocks(), options_->solve);
  for (std::size_t k = 0; k < flow_->blocks(); ++k) {
    result[k].method = method_of(options_->gradient, options_->solve.method);
    result[k].fixed_steps = 0;
    result[k].stops.clear();
    result[k].fractions = solves_[k].recording().fractions();
  }
  return result;
}

template <class T>
MemoryPlan TileFlow<T>::plan(std::size_t k) const {
  const AnyDynamics any = dynamics(k, Way::to_base);
  const Dynamics<T>& f = as_dynamics<T>(any);
  const Shape shape{f.blocks(), state_.B};
  const Method method = method_of(options_->gradient, options_->solve.method);
  return plan_memory(step_memory<T>(shape, f.tape_size(shape.B), method), length_of(options_->solve), memory());
}

template <class T>
std::vector<MemoryPlan> plan_memory(const Cnf& model, const FlowOptions& options, Index rows) {
  const Vector<T> params = model.params.template cast<T>();
  const BoundCnf<T> bound(model, params);
  TileFlow<T> tile;
  const Matrix<T> nowhere = Matrix<T>::Zero(model.dim(), rows);
  tile.begin(bound, options, Use::training, TileInput<T>{nowhere, {}});
  std::vector<MemoryPlan> plans;
  for (std::size_t k = 0; k < bound.blocks(); ++k) plans.push_back(tile.plan(k));
  return plans;
}

template <class T>
Status TileFlow<T>::pull(Out<T> w, Tile<T> w_q, TileShare<T>& share) {
  const Scratch::Frame frame(scratch_);
  const Index D = w.rows(), B = w.cols();
  T* const at_end = scratch_.take<T>(D * B);
  Status status;
  for (std::size_t n = flow_->blocks(); n-- > 0 && status.ok();) {
    const std::size_t k = leg(recorded_, n).block;
    const AnyDynamics f = dynamics(k, recorded_);
    const std::span<T> bar = flow_->bar(k, share.params_bar);
    std::copy_n(w.data(), D * B, at_end);
    SolveGradient<T> gradient{.z_bar = w, .params_bar = bar};
    status = solves_[k].backward(as_dynamics<T>(f), {.z = Tile<T>(at_end, D, B), .q = w_q}, gradient, scratch_,
                                 share.backward);
    const bool to_base = recorded_ == Way::to_base;
    share.dloss_dtimes[2 * k] += to_base ? gradient.dloss_dt_end : gradient.dloss_dt_begin;
    share.dloss_dtimes[2 * k + 1] += to_base ? gradient.dloss_dt_begin : gradient.dloss_dt_end;
  }
  return status;
}

template class BoundCnf<float>;
template class BoundCnf<double>;
template class TileFlow<float>;
template class TileFlow<double>;
template std::vector<MemoryPlan> plan_memory<float>(const Cnf&, const FlowOptions&, Index);
template std::vector<MemoryPlan> plan_memory<double>(const Cnf&, const FlowOptions&, Index);

}  // namespace cnf
