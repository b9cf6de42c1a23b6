// Invariants. No row pays less for a column than the two prices: with p_j the column's price, a row that has a column
// pays least for it, cost - p, of all columns; a row's own price is that least, told at the end. The first two phases
// find most of the assignment cheaply, and every price they leave is one that the last phase may start from.
#include "flows/objectives/assignment.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace cnf {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

/// What one row pays after prices: the least, where, and the least elsewhere.
struct Assignment::Least {
  double first = kInfinity, second = kInfinity;
  int column = 0, next = 0;
};

Assignment::Least Assignment::least(const double* cost) const {
  Least found;
  for (int j = 0; j < n_; ++j) {
    const double paid = cost[j] - price_[at(j)];
    if (paid >= found.second) continue;
    if (paid >= found.first) {
      found.second = paid, found.next = j;
    } else {
      found.second = found.first, found.next = found.column;
      found.first = paid, found.column = j;
    }
  }
  return found;
}

/// Each column is priced at its cheapest, and given to that row if it has none. A row that has just one column lowers
/// that price until its next best is as good.
void Assignment::reduce_columns(const Matrix<double>& cost) {
  price_.assign(at(n_), kInfinity);
  from_.assign(at(n_), 0);
  for (int i = 0; i < n_; ++i)
    for (int j = 0; j < n_; ++j)
      if (cost(j, i) < price_[at(j)]) price_[at(j)] = cost(j, i), from_[at(j)] = i;
  for (int j = n_ - 1; j >= 0; --j)
    if (column_of_[at(from_[at(j)])] < 0) give(from_[at(j)], j);
  free_.clear();
  for (int i = 0; i < n_; ++i) {
    const int mine = column_of_[at(i)];
    if (mine < 0) {
      free_.push_back(i);
      continue;
    }
    const Least found = least(cost.data() + Index{i} * n_);
    const double other = found.column == mine ? found.second : found.first;
    if (other < kInfinity) price_[at(mine)] -= other - (cost(mine, i) - price_[at(mine)]);
  }
}

/// Rows without a column bid for their best one against their second best; who had it looks again.
void Assignment::bid(const Matrix<double>& cost) {
  std::int64_t bids = 4 * std::int64_t{n_};  // rounding could let two rows bid for ever
  next_free_.clear();
  for (std::size_t k = 0; k < free_.size();) {
    if (--bids < 0) {
      next_free_.insert(next_free_.end(), free_.begin() + static_cast<std::ptrdiff_t>(k), free_.end());
      break;
    }
    const int row = free_[k];
    const Least found = least(cost.data() + Index{row} * n_);
    int column = found.column;
    const bool better = found.first < found.second;
    if (better)
      price_[at(column)] -= n_ > 1 ? found.second - found.first : 0;
    else if (row_of_[at(column)] >= 0)
      column = found.next;
    const int loser = row_of_[at(column)];
    if (loser >= 0) column_of_[at(loser)] = -1;
    give(row, column);
    if (loser >= 0 && better) {
      free_[k] = loser;
      continue;
    }
    if (loser >= 0) next_free_.push_back(loser);
    ++k;
  }
  free_.swap(next_free_);
}

/// The shortest path from a row without a column to a column without a row, by Dijkstra over what is paid above the
/// least; along it every row takes the next column.
void Assignment::augment(const Matrix<double>& cost, int row) {
  const double* own = cost.data() + Index{row} * n_;
  for (int j = 0; j < n_; ++j) distance_[at(j)] = own[j] - price_[at(j)];
  from_.assign(at(n_), row);
  std::iota(open_.begin(), open_.end(), 0);
  int left = n_, column = 0;  // open_[0, left) are open, behind them those reached
  double shortest = 0;
  for (;;) {
    int best = 0;
    for (int k = 1; k < left; ++k)
      if (distance_[at(open_[at(k)])] < distance_[at(open_[at(best)])]) best = k;
    column = open_[at(best)];
    shortest = distance_[at(column)];
    std::swap(open_[at(best)], open_[at(--left)]);
    const int owner = row_of_[at(column)];
    if (owner < 0) break;
    const double* costs = cost.data() + Index{owner} * n_;
    const double paid = costs[column] - price_[at(column)] - shortest;
    for (int k = 0; k < left; ++k) {
      const int j = open_[at(k)];
      const double through = costs[j] - price_[at(j)] - paid;
      if (through < distance_[at(j)]) distance_[at(j)] = through, from_[at(j)] = owner;
    }
  }
  for (int k = left; k < n_; ++k) price_[at(open_[at(k)])] += distance_[at(open_[at(k)])] - shortest;
  for (int taker = -1; taker != row;) {
    taker = from_[at(column)];
    const int before = column_of_[at(taker)];
    give(taker, column);
    column = before;
  }
}

void Assignment::solve(const Matrix<double>& cost) {
  if (cost.rows() != cost.cols() || cost.rows() == 0 || cost.rows() > std::numeric_limits<int>::max())
    throw std::invalid_argument("Assignment: costs are " + std::to_string(cost.rows()) + " x " +
                                std::to_string(cost.cols()) + ", expected as many rows as columns and at least one");
  if (!cost.allFinite()) throw std::invalid_argument("Assignment: a cost is not finite");
  n_ = static_cast<int>(cost.rows());
  column_of_.assign(at(n_), -1);
  row_of_.assign(at(n_), -1);
  distance_.resize(at(n_));
  open_.resize(at(n_));
  reduce_columns(cost);
  bid(cost);
  bid(cost);
  for (const int row : free_) augment(cost, row);
  row_price_.resize(at(n_));
  for (int i = 0; i < n_; ++i) row_price_[at(i)] = cost(column_of_[at(i)], i) - price_[at(column_of_[at(i)])];
}

}  // namespace cnf
