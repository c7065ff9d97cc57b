#include "manifest/topology.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <queue>

namespace millrace::manifest {
namespace {
constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
}

Topology::Topology(std::size_t size, const std::vector<std::pair<std::size_t, std::size_t>>& arcs)
    : next_(size) {
  std::vector<std::size_t> waits_for(size, 0);
  for (const auto& [from, to] : arcs) {
    next_[from].push_back(to);
    ++waits_for[to];
  }
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t node = 0; node < size; ++node)
    if (waits_for[node] == 0) ready.push(node);
  while (!ready.empty()) {
    const std::size_t node = ready.top();
    ready.pop();
    order_.push_back(node);
    for (std::size_t to : next_[node])
      if (--waits_for[to] == 0) ready.push(to);
  }
  find_reach();
}

// A component reaches what its members' arcs lead to; those come before it.
void Topology::find_reach() {
  const std::size_t words = (next_.size() + 63) / 64;
  reach_.assign(next_.size(), std::vector<std::uint64_t>(words, 0));
  for (const std::vector<std::size_t>& component : components()) {
    std::vector<std::uint64_t> row(words, 0);
    for (const std::size_t node : component)
      for (const std::size_t to : next_[node]) {
        row[to / 64] |= std::uint64_t{1} << (to % 64);
        for (std::size_t word = 0; word < words; ++word) row[word] |= reach_[to][word];
      }
    for (const std::size_t node : component) reach_[node] = row;
  }
}

bool Topology::reaches(std::size_t from, std::size_t to) const {
  return (reach_[from][to / 64] >> (to % 64) & 1U) != 0;
}

std::vector<std::vector<std::size_t>> Topology::circles() const {
  std::vector<std::vector<std::size_t>> found;
  for (const std::vector<std::size_t>& knot : components()) {
    if (knot.size() == 1) continue;
    std::vector<bool> inside(next_.size(), false);
    for (std::size_t node : knot) inside[node] = true;
    found.push_back(shortest_circle(*std::ranges::min_element(knot), inside));
  }
  std::ranges::sort(found);
  return found;
}

// Strongly connected components, each after those that it reaches: Tarjan's algorithm with its
// stack spelled out.
std::vector<std::vector<std::size_t>> Topology::components() const {
  struct Frame {
    std::size_t node;
    std::size_t arc = 0;
  };
  const std::size_t size = next_.size();
  std::vector<std::vector<std::size_t>> found;
  std::vector<std::size_t> index(size, kNone);
  std::vector<std::size_t> lowest(size, 0);
  std::vector<bool> on_stack(size, false);
  std::vector<std::size_t> stack;
  std::vector<Frame> frames;
  std::size_t counter = 0;
  const auto enter = [&](std::size_t node) {
    index[node] = lowest[node] = counter++;
    stack.push_back(node);
    on_stack[node] = true;
    frames.push_back({.node = node});
  };
  for (std::size_t start = 0; start < size; ++start) {
    if (index[start] != kNone) continue;
    enter(start);
    while (!frames.empty()) {
      const std::size_t node = frames.back().node;
      if (frames.back().arc < next_[node].size()) {
        const std::size_t to = next_[node][frames.back().arc++];
        if (index[to] == kNone) {
          enter(to);
        } else if (on_stack[to]) {
          lowest[node] = std::min(lowest[node], index[to]);
        }
        continue;
      }
      frames.pop_back();
      if (!frames.empty())
        lowest[frames.back().node] = std::min(lowest[frames.back().node], lowest[node]);
      if (lowest[node] != index[node]) continue;
      auto begin = stack.end();
      do {
        on_stack[*--begin] = false;
      } while (*begin != node);
      found.emplace_back(begin, stack.end());
      stack.erase(begin, stack.end());
    }
  }
  return found;
}

std::vector<std::size_t> Topology::shortest_circle(std::size_t start,
                                                   const std::vector<bool>& inside) const {
  std::vector<std::size_t> came_from(next_.size(), kNone);
  std::deque<std::size_t> queue{start};
  while (!queue.empty()) {
    const std::size_t node = queue.front();
    queue.pop_front();
    for (std::size_t to : next_[node]) {
      if (to == start) {
        std::vector<std::size_t> circle;
        for (std::size_t at = node; at != start; at = came_from[at]) circle.push_back(at);
        circle.push_back(start);
        std::ranges::reverse(circle);
        return circle;
      }
      if (!inside[to] || came_from[to] != kNone) continue;
      came_from[to] = node;
      queue.push_back(to);
    }
  }
  return {start};
}

}  // namespace millrace::manifest
