// The matrices of a layout lie in every slot one behind the other, in the order of the layout. All of an update is done
// by one thread: beside a step's solves it is little, and its bits are nobody's business but its own.
#include "flows/training/soap.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>

#include <Eigen/Householder>

namespace cnf {

namespace {

/// Tensors that are updated as one matrix, their columns side by side, and where the means and bases of its sides lie.
struct Group {
  std::span<const TensorSlice> tensors;
  Index rows = 0, cols = 0;
  std::optional<Index> left{}, right{};  ///< none: this side keeps its coordinates
};

struct Groups {
  std::vector<Group> groups;
  Layout left, right;  ///< of a mean or basis of every side that has one
};

/// A matrix begins a group, and vectors of its rows follow it; vectors of other rows are a group of their own.
Groups groups_of(const Layout& layout, Index most_side) {
  Groups all;
  const std::span<const TensorSlice> tensors = layout.tensors;
  for (std::size_t i = 0; i < tensors.size();) {
    Group group{{}, tensors[i].rows};
    std::size_t end = i;
    do group.cols += tensors[end++].cols;
    while (end < tensors.size() && tensors[end].vector && tensors[end].rows == group.rows);
    group.tensors = tensors.subspan(i, end - i);
    if (group.rows <= most_side) group.left = all.left.add(tensors[i].name, group.rows, group.rows, false);
    if (group.cols <= most_side) group.right = all.right.add(tensors[i].name, group.cols, group.cols, false);
    all.groups.push_back(group);
    i = end;
  }
  return all;
}

template <class T>
Matrix<T> gathered(const Group& group, const T* flat) {
  Matrix<T> all(group.rows, group.cols);
  Index col = 0;
  for (const TensorSlice& t : group.tensors) {
    all.middleCols(col, t.cols) = Eigen::Map<const Matrix<T>>(flat + t.offset, t.rows, t.cols);
    col += t.cols;
  }
  return all;
}

template <class T>
void scatter(const Group& group, const Matrix<T>& all, T* flat) {
  Index col = 0;
  for (const TensorSlice& t : group.tensors) {
    Eigen::Map<Matrix<T>>(flat + t.offset, t.rows, t.cols) = all.middleCols(col, t.cols);
    col += t.cols;
  }
}

/// A B, compiled once.
template <class T>
Matrix<T> product(const Matrix<T>& A, const Matrix<T>& B) {
  return A * B;
}

/// An orthonormal basis of the columns of a square matrix, the first ones first: Q of its QR decomposition by
/// Householder's reflections, one at a time. (Eigen's own, in blocks, takes longer to compile than this whole file.)
Matrix<double> orthonormal(Matrix<double> columns) {
  const Index n = columns.rows();
  Vector<double> share(n), space(n);
  for (Index k = 0; k < n; ++k) {
    double length = 0;
    columns.col(k).tail(n - k).makeHouseholderInPlace(share[k], length);
    columns.bottomRightCorner(n - k, n - k - 1)
        .applyHouseholderOnTheLeft(columns.col(k).tail(n - k - 1), share[k], space.data());
  }
  Matrix<double> basis = Matrix<double>::Identity(n, n);
  for (Index k = n; k-- > 0;)
    basis.bottomRightCorner(n - k, n - k)
        .applyHouseholderOnTheLeft(columns.col(k).tail(n - k - 1), share[k], space.data());
  return basis;
}

/// A side's mean of G G^T, and its basis, in the slots.
template <class T>
class Side {
 public:
  Side(Index n, T* mean, T* basis) : mean_(mean, n, n), basis_(basis, n, n) {}

  Matrix<T> basis() const { return basis_; }

  void note(const Matrix<T>& G, T keep) { mean_ = keep * mean_ + (1 - keep) * product<T>(G, G.transpose()); }

  /// One step of orthogonal iteration towards the mean's eigenvectors; to begin with, some from the unit vectors.
  /// Returns the turn from the coordinates before: new^T old.
  Matrix<T> refresh(bool first) {
    const Matrix<T> before = first ? Matrix<T>::Identity(basis_.rows(), basis_.cols()) : Matrix<T>(basis_);
    const Matrix<double> mean = mean_.template cast<double>();
    Matrix<double> basis = before.template cast<double>();
    for (int steps = first ? kFirstSteps : 1; steps > 0; --steps) basis = orthonormal(product<double>(mean, basis));
    basis_ = basis.template cast<T>();
    return product<T>(basis_.transpose(), before);
  }

 private:
  static constexpr int kFirstSteps = 4;
  Eigen::Map<Matrix<T>> mean_, basis_;
};

constexpr int kNoise = 64;  // roundings of a turned value, a factor above what a few hundred terms leave

enum SlotNumber : std::size_t { kMean, kSquare, kLeft, kRight, kLeftBasis, kRightBasis };

}  // namespace

template <class T>
Soap<T>::Soap(const SoapOptions& options) : options_(options) {
  if (!(options.statistics >= 0 && options.statistics < 1) || options.refresh < 1)
    throw std::invalid_argument("Soap: statistics is " + std::to_string(options.statistics) + " and refresh " +
                                std::to_string(options.refresh) + ", expected 0 to below 1, and at least 1");
}

template <class T>
std::vector<typename Optimizer<T>::Slot> Soap<T>::slots(const Layout& params) const {
  const Groups all = groups_of(params, options_.most_side);
  return {{"m", params},        {"v", params, true},      {"left", all.left},
          {"right", all.right}, {"left_basis", all.left}, {"right_basis", all.right}};
}

template <class T>
void Soap<T>::update(const Layout& layout, Vector<T>& params, std::span<Vector<T>> slots, std::int64_t updates,
                     std::span<const T> g, double rate, int) const {
  const auto k = static_cast<double>(updates);
  const AdamOptions& adam = options_.adam;
  const auto beta1 = static_cast<T>(adam.beta1), beta2 = static_cast<T>(adam.beta2),
             keep = static_cast<T>(options_.statistics), step = static_cast<T>(rate / (1 - std::pow(adam.beta1, k))),
             correct = static_cast<T>(1 / (1 - std::pow(adam.beta2, k))), epsilon = static_cast<T>(adam.epsilon),
             decay = static_cast<T>(rate * adam.weight_decay);
  const bool first = updates == 1, refresh = first || updates % options_.refresh == 0;
  for (const Group& group : groups_of(layout, options_.most_side).groups) {
    Matrix<T> G = gathered(group, g.data()), m = gathered(group, slots[kMean].data()),
              v = gathered(group, slots[kSquare].data());
    std::optional<Side<T>> left, right;
    if (group.left) left.emplace(group.rows, slots[kLeft].data() + *group.left, slots[kLeftBasis].data() + *group.left);
    if (group.right)
      right.emplace(group.cols, slots[kRight].data() + *group.right, slots[kRightBasis].data() + *group.right);

    if (left) left->note(G, keep);
    if (right) right->note(G.transpose(), keep);
    if (refresh && left) {
      const Matrix<T> turn = left->refresh(first);
      m = product<T>(turn, m);
      v = product<T>(turn.cwiseAbs2(), v);
    }
    if (refresh && right) {
      const Matrix<T> turn = right->refresh(first).transpose();
      m = product<T>(m, turn);
      v = product<T>(v, turn.cwiseAbs2());
    }
    if (left) G = product<T>(left->basis().transpose(), G);
    if (right) G = product<T>(G, right->basis());
    m = beta1 * m + (1 - beta1) * G;
    v = beta2 * v + (1 - beta2) * G.cwiseAbs2();
    const T least = epsilon + kNoise * std::numeric_limits<T>::epsilon() * std::sqrt(correct * v.maxCoeff());
    Matrix<T> by = step * (m.array() / ((correct * v.array()).sqrt() + least)).matrix();
    if (left) by = product<T>(left->basis(), by);
    if (right) by = product<T>(by, right->basis().transpose());

    const Matrix<T> weights = gathered<T>(group, params.data());
    scatter<T>(group, weights - by - decay * weights, params.data());
    scatter<T>(group, m, slots[kMean].data());
    scatter<T>(group, v, slots[kSquare].data());
  }
}

template class Soap<float>;
template class Soap<double>;

}  // namespace cnf
