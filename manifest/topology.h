// Order, circles and reachability of a small directed graph. Pure; inside manifest/ only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace millrace::manifest {

// Nodes are 0 … size-1; an arc (a, b) puts a before b. Arcs to itself are not to be given.
class Topology {
 public:
  Topology(std::size_t size, const std::vector<std::pair<std::size_t, std::size_t>>& arcs);

  bool is_acyclic() const { return order_.size() == next_.size(); }
  // Every node after those before it, the smallest first where there is a choice; incomplete if not
  // acyclic.
  const std::vector<std::size_t>& order() const { return order_; }

  // For each knot of circles its shortest one through its smallest node, which begins it: {2, 5, 3}
  // means 2 before 5 before 3 before 2.
  std::vector<std::vector<std::size_t>> circles() const;

  // Whether a path leads from a to b; from a to itself only within a circle.
  bool reaches(std::size_t from, std::size_t to) const;

 private:
  std::vector<std::vector<std::size_t>> components() const;
  void find_reach();
  std::vector<std::size_t> shortest_circle(std::size_t start,
                                           const std::vector<bool>& inside) const;

  std::vector<std::vector<std::size_t>> next_;
  std::vector<std::size_t> order_;
  std::vector<std::vector<std::uint64_t>> reach_;  // a bit per node
};

}  // namespace millrace::manifest
