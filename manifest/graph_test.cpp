#include "manifest/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "manifest/topology.h"

namespace millrace::manifest {
namespace {

Task command(std::string name, std::vector<std::string> depends_on = {},
             std::vector<std::string> reads = {}) {
  CommandTask kind;
  kind.argv = {"/bin/true"};
  kind.reads = std::move(reads);
  return Task{.name = std::move(name), .depends_on = std::move(depends_on), .kind = kind};
}

Task query(std::string name, std::string into, std::vector<std::string> depends_on = {}) {
  Task task = command(std::move(name), std::move(depends_on));
  QueryTask kind;
  kind.sql = "SELECT 1";
  kind.into.dataset = std::move(into);
  task.kind = kind;
  return task;
}

SqlFacts reads(std::vector<std::string> names) {
  SqlFacts facts;
  for (std::string& name : names) facts.datasets.push_back({.name = std::move(name), .offset = 0});
  return facts;
}

Workflow workflow(std::vector<Task> tasks) {
  Workflow made;
  made.spec.tasks = std::move(tasks);
  return made;
}

// "a>b" for each edge, with the reason's letter: depends, output, dataset.
std::vector<std::string> edges_of(const Workflow& workflow, const Graph& graph) {
  std::vector<std::string> texts;
  texts.reserve(graph.edges.size());
  for (const Edge& edge : graph.edges)
    texts.push_back(workflow.spec.tasks[edge.from].name + ">" + workflow.spec.tasks[edge.to].name +
                    ":" + std::string(1, "dos"[static_cast<std::size_t>(edge.reason)]) + edge.what);
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Graph, edges_come_from_dependencies_outputs_and_data) {
  Task count = command("count");
  count.outputs = {{.name = "rows", .type = IntegerOutput{}}};
  Task send = command("send", {"load"}, {"delays"});
  std::get<CommandTask>(send.kind).argv = {"/bin/send", "${{tasks.count.outputs.rows}}"};
  const Workflow made =
      workflow({send, query("report", "delays"), query("load", "flights"), count});
  const Graph graph = build_graph(made, {{"report", reads({"flights", "planes"})}});
  EXPECT_EQ(edges_of(made, graph), (Texts{"report>send:sdelays", "load>send:d", "count>send:orows",
                                          "load>report:sflights"}));
  EXPECT_EQ(graph.order, (std::vector<std::size_t>{2, 1, 3, 0}));
  ASSERT_EQ(graph.outside.size(), 1u);
  EXPECT_EQ(graph.outside[0].dataset, "planes");
  EXPECT_EQ(graph.outside[0].pointer, "/spec/tasks/1/query/sql");
  EXPECT_EQ(graph.written, (decltype(graph.written){{"delays", {1}}, {"flights", {2}}}));
  EXPECT_TRUE(graph.findings.empty());
}

TEST(Graph, a_task_that_reads_what_it_alone_writes_reads_the_snapshot_before) {
  const Workflow made = workflow({query("grow", "totals")});
  const Graph graph = build_graph(made, {{"grow", reads({"totals"})}});
  EXPECT_TRUE(graph.edges.empty());
  ASSERT_EQ(graph.outside.size(), 1u);
  EXPECT_TRUE(graph.findings.empty());
}

TEST(Graph, a_reader_between_two_ordered_writers_follows_the_first) {
  const Workflow made = workflow({query("first", "d"), command("look", {"first"}, {"d"}),
                                  query("second", "d", {"look"}), command("after", {}, {"d"})});
  const Graph graph = build_graph(made, {});
  EXPECT_EQ(edges_of(made, graph),
            (Texts{"first>look:d", "look>second:d", "first>after:sd", "second>after:sd"}));
  EXPECT_TRUE(graph.findings.empty());
}

TEST(Graph, a_reader_before_the_only_writer_is_a_circle) {
  const Workflow made = workflow({command("look", {}, {"d"}), query("write", "d", {"look"})});
  const Graph graph = build_graph(made, {});
  ASSERT_EQ(graph.findings.size(), 1u);
  EXPECT_EQ(graph.findings[0].error.message, "circle: look → write → look (reads dataset d)");
  EXPECT_EQ(graph.findings[0].pointer, "/spec/tasks/0");
  EXPECT_TRUE(graph.order.empty());
}

TEST(Graph, writers_without_an_order_are_refused) {
  const Graph two = build_graph(workflow({query("a", "d"), query("b", "d")}), {});
  ASSERT_EQ(two.findings.size(), 1u);
  EXPECT_EQ(two.findings[0].error.code, "dataset.writers");
  // The order may come about by data.
  const Graph ordered = build_graph(workflow({query("a", "d"), query("b", "e"), query("c", "d")}),
                                    {{"b", reads({"x"})}, {"c", reads({"e"})}});
  ASSERT_EQ(ordered.findings.size(), 1u);
  const Graph by_data = build_graph(
      workflow({query("a", "d"), query("b", "e", {"a"}), query("c", "d")}), {{"c", reads({"e"})}});
  EXPECT_TRUE(by_data.findings.empty());
}

TEST(Graph, tasks_that_look_at_the_whole_run_come_last_and_hold_up_nobody) {
  Task tidy = command("tidy");
  tidy.run_on = RunOn::kAlways;
  const Workflow made = workflow({tidy, command("work")});
  const Graph graph = build_graph(made, {});
  EXPECT_EQ(graph.last, (std::vector<std::size_t>{0}));
  EXPECT_EQ(graph.order, (std::vector<std::size_t>{1, 0}));
  EXPECT_TRUE(graph.edges.empty());
  const Graph waiting = build_graph(workflow({tidy, command("work", {"tidy"})}), {});
  ASSERT_EQ(waiting.findings.size(), 1u);
  EXPECT_EQ(waiting.findings[0].error.code, "graph.last");
}

TEST(Graph, parameters_in_sql_must_be_declared) {
  Workflow made = workflow({query("q", "d")});
  made.spec.parameters = {{.name = "min_flights", .type = IntegerParameter{}}};
  SqlFacts facts;
  facts.parameters = {{.name = "min_flights", .offset = 3}, {.name = "min_flight", .offset = 5}};
  const Graph graph = build_graph(made, {{"q", facts}});
  ASSERT_EQ(graph.findings.size(), 1u);
  EXPECT_EQ(graph.findings[0].error.hint, "did you mean min_flights?");
  EXPECT_EQ(graph.findings[0].offset, 5u);
}

TEST(Graph, unknown_datasets_are_told_the_nearest_of_all) {
  const Graph graph =
      build_graph(workflow({query("a", "delays"), command("b", {}, {"delay"})}), {});
  ASSERT_EQ(graph.outside.size(), 1u);
  const Texts known{"flights"};
  EXPECT_EQ(unknown_dataset(graph, graph.outside[0], known).error.hint, "did you mean delays?");
}

TEST(Graph, what_a_task_writes_itself_is_not_offered_to_it_and_nothing_twice) {
  const Graph graph =
      build_graph(workflow({query("a", "mine"), query("b", "other")}), {{"a", reads({"nothing"})}});
  ASSERT_EQ(graph.outside.size(), 1u);
  const Texts known{"mine", "other", "planes"};
  EXPECT_EQ(unknown_dataset(graph, graph.outside[0], known).error.hint, "one of: other, planes");
}

std::size_t findings(const std::vector<Task>& tasks, const SqlByTask& sql, const Unsure& unsure) {
  return build_graph(workflow(tasks), sql, unsure).findings.size();
}

TEST(Graph, only_what_stands_whatever_the_unsure_wait_for_is_told) {
  const std::vector<Task> writers{query("a", "d"), query("b", "e"), query("c", "d", {"b"})};
  EXPECT_EQ(findings(writers, {}, {}), 1u);
  EXPECT_EQ(findings(writers, {}, {.tasks = {1}}), 0u);  // b may wait for a, and so c does
  EXPECT_EQ(findings({query("a", "d"), query("c", "d"), query("z", "e")}, {}, {.tasks = {2}}), 1u);
  // r reads what w1 wrote, w2 writes it anew: no circle if r is said to depend on w1.
  const std::vector<Task> renewed{query("w1", "d"), query("r", "e"), query("w2", "d", {"r"})};
  const SqlByTask sql{{"r", reads({"d"})}};
  EXPECT_EQ(findings(renewed, sql, {}), 1u);
  EXPECT_EQ(findings(renewed, sql, {.tasks = {1}}), 0u);
  // A last task without a known dependsOn may be none.
  Task tidy = command("tidy");
  tidy.run_on = RunOn::kAlways;
  EXPECT_EQ(findings({tidy, command("work", {"tidy"})}, {}, {.tasks = {0}}), 0u);
}

TEST(Graph, a_circle_hides_neither_another_through_data_nor_unordered_writers) {
  const Graph graph =
      build_graph(workflow({command("a", {"b"}), command("b", {"a"}), query("c", "x"),
                            query("d", "y"), query("e", "z"), query("f", "z")}),
                  {{"c", reads({"y"})}, {"d", reads({"x"})}});
  Texts codes;
  for (const Finding& finding : graph.findings) codes.push_back(finding.error.code);
  EXPECT_EQ(codes, (Texts{"graph.circle", "graph.circle", "dataset.writers"}));
}

// Against the slow and obvious: a walk from every node.
TEST(Topology, agrees_with_a_plain_search) {
  std::mt19937 random(3);
  int cyclic = 0;
  for (int round = 0; round < 500; ++round) {
    const std::size_t size = 1 + random() % 70;
    std::vector<std::pair<std::size_t, std::size_t>> arcs;
    for (std::size_t i = random() % (2 * size); i > 0; --i) {
      const std::size_t a = random() % size;
      const std::size_t b = random() % size;
      // Mostly forward, so that many graphs have no circle.
      if (a != b)
        arcs.emplace_back(round % 3 == 0 ? a : std::min(a, b), round % 3 == 0 ? b : std::max(a, b));
    }
    const Topology topology(size, arcs);
    std::vector<std::vector<bool>> reach(size, std::vector<bool>(size, false));
    for (std::size_t from = 0; from < size; ++from) {
      std::vector<std::size_t> open{from};
      while (!open.empty()) {
        const std::size_t at = open.back();
        open.pop_back();
        for (const auto& [a, b] : arcs)
          if (a == at && !reach[from][b]) {
            reach[from][b] = true;
            open.push_back(b);
          }
      }
    }
    bool circle = false;
    for (std::size_t i = 0; i < size; ++i) circle = circle || reach[i][i];
    cyclic += circle ? 1 : 0;
    ASSERT_EQ(topology.is_acyclic(), !circle) << "round " << round;
    for (std::size_t a = 0; a < size; ++a)
      for (std::size_t b = 0; b < size; ++b) ASSERT_EQ(topology.reaches(a, b), reach[a][b]);
    if (circle) {
      ASSERT_FALSE(topology.circles().empty());
      for (const auto& found : topology.circles()) {
        ASSERT_GE(found.size(), 2u);
        for (std::size_t i = 0; i < found.size(); ++i)
          ASSERT_TRUE(std::ranges::find(arcs, std::pair(found[i], found[(i + 1) % found.size()])) !=
                      arcs.end());
      }
      continue;
    }
    std::vector<std::size_t> place(size);
    for (std::size_t i = 0; i < size; ++i) place[topology.order()[i]] = i;
    for (std::size_t a = 0; a < size; ++a)
      for (std::size_t b = 0; b < size; ++b)
        if (reach[a][b]) {
          ASSERT_LT(place[a], place[b]);
        }
  }
  EXPECT_GT(cyclic, 20);
  EXPECT_LT(cyclic, 480);
}

}  // namespace
}  // namespace millrace::manifest
