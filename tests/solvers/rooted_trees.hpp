// Rooted trees, which the order conditions of Runge-Kutta and Rosenbrock methods are numbered by.
#pragma once

#include <vector>

namespace cnf {

/// A rooted tree as the sorted list of its root's subtrees, each an index into the list of all trees.
struct Tree {
  int size = 1;
  long double density = 1;  // Butcher's gamma
  std::vector<int> subtrees;
};

/// All rooted trees of up to `order` nodes: 1, 1, 2, 4, 9, 20, 48, 115, ...
inline std::vector<Tree> rooted_trees(int order) {
  std::vector<Tree> all{{1, 1, {}}};
  for (int n = 2; n <= order; ++n) {
    const int known = static_cast<int>(all.size());
    std::vector<int> chosen;
    const auto fill = [&](const auto& self, int left, int largest) -> void {
      if (left == 0) {
        Tree tree{n, static_cast<long double>(n), chosen};
        for (int s : chosen) tree.density *= all[s].density;
        all.push_back(tree);
        return;
      }
      for (int s = largest; s >= 0; --s) {
        if (all[s].size > left) continue;
        chosen.push_back(s);
        self(self, left - all[s].size, s);
        chosen.pop_back();
      }
    };
    fill(fill, n - 1, known - 1);
  }
  return all;
}

}  // namespace cnf
