// What the analysis finds in texts that may run, and how it words what it refuses. The trees come
// from the real parser process.
#include "lib/sql/analyze.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sql/test_parser.h"

namespace millrace::sql {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Statement analyzed(const std::string& text) {
  Result<Statement> answer = shared_parser().analyze(text);
  if (!answer.ok()) {
    ADD_FAILURE() << text << "\n" << answer.error().to_text();
    return {};
  }
  return std::move(answer).value();
}

Error refused(const std::string& text) {
  const Result<Statement> answer = shared_parser().analyze(text);
  if (answer.ok()) {
    ADD_FAILURE() << "was allowed: " << text;
    return {};
  }
  return answer.error();
}

std::string tables(const std::string& text) {
  std::string joined;
  for (const std::string& name : table_names(analyzed(text)))
    joined += (joined.empty() ? "" : " ") + name;
  return joined;
}

struct Case {
  const char* text;
  const char* tables;
};

TEST(Analyze, finds_the_tables_wherever_they_stand) {
  const Case cases[] = {
      {"SELECT 1", ""},
      {"FROM flights", "flights"},
      {"TABLE flights", "flights"},
      {"SELECT * FROM flights f, planes p", "flights planes"},
      {"SELECT * FROM Flights, FLIGHTS, \"flights\"", "flights"},
      {"SELECT * FROM a JOIN b USING (x) LEFT JOIN c ON b.y = c.y ASOF JOIN d ON a.t >= d.t",
       "a b c d"},
      {"SELECT * FROM a POSITIONAL JOIN b", "a b"},
      {"SELECT * FROM a SEMI JOIN b USING (x) ANTI JOIN c USING (x)", "a b c"},
      {"SELECT (SELECT max(x) FROM a) FROM b WHERE EXISTS (FROM c) AND x IN (SELECT x FROM d)",
       "a b c d"},
      {"SELECT x = ANY (SELECT x FROM a) FROM b GROUP BY x HAVING max(x) > (SELECT 1 FROM c)",
       "a b c"},
      {"SELECT 1 ORDER BY (SELECT max(x) FROM a) LIMIT (SELECT 1 FROM b) OFFSET (SELECT 1 FROM c)",
       "a b c"},
      {"SELECT sum(x) FILTER (WHERE EXISTS (FROM a)) OVER (PARTITION BY (SELECT 1 FROM b)) FROM c",
       "a b c"},
      {"SELECT x FROM a UNION ALL SELECT x FROM b INTERSECT SELECT x FROM c EXCEPT SELECT x FROM d",
       "a b c d"},
      {"SELECT x FROM a UNION BY NAME SELECT x FROM b", "a b"},
      {"SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.x = a.x)", "a b"},
      {"SELECT * FROM range((SELECT max(x) FROM a))", "a"},
      {"SELECT * FROM unnest((SELECT list(x) FROM a))", "a"},
      {"SELECT * FROM (VALUES ((SELECT max(x) FROM a))) v(x)", "a"},
      {"SELECT * REPLACE ((SELECT max(x) FROM a) AS x) FROM b", "a b"},
      {"SELECT CASE WHEN x THEN (SELECT 1 FROM a) ELSE (SELECT 1 FROM b) END FROM c", "a b c"},
      {"SELECT x BETWEEN (SELECT 1 FROM a) AND (SELECT 1 FROM b) FROM c", "a b c"},
      {"SELECT array(SELECT x FROM a), [(SELECT x FROM b)], {'k': (SELECT x FROM c)}", "a b c"},
      {"SELECT DISTINCT ON ((SELECT x FROM a)) x FROM b QUALIFY row_number() OVER () = (SELECT 1 "
       "FROM c)",
       "a b c"},
      {"SELECT string_agg(x, ',' ORDER BY (SELECT 1 FROM a)) FROM b", "a b"},
      {"FROM a PIVOT (sum(x) FOR y IN (1, 2))", "a"},
      {"FROM a UNPIVOT (v FOR n IN (x, y))", "a"},
      {"FROM (UNPIVOT a ON x, y INTO NAME n VALUE v)", "a"},
      {"SELECT * FROM a TABLESAMPLE 10% (bernoulli, 7)", "a"},
      {"SELECT * FROM a, b USING SAMPLE 5", "a b"},
      {"SELECT a.b, a.b.c FROM a", "a"},  // columns and fields are no tables
  };
  for (const Case& c : cases) EXPECT_EQ(tables(c.text), c.tables) << c.text;
}

// The engine's own answers to these, with a table t beside the CTE t, are the expectation.
TEST(Analyze, takes_cte_names_off_by_scope) {
  const Case cases[] = {
      {"WITH t AS (SELECT 1) SELECT * FROM t", ""},
      {"WITH T AS (SELECT 1) SELECT * FROM \"t\"", ""},
      {"WITH t AS MATERIALIZED (FROM a), u(x) AS NOT MATERIALIZED (FROM t) FROM u", "a"},
      // A CTE does not see itself: its own name is the table's, or an outer CTE's.
      {"WITH t AS (SELECT v FROM t) SELECT * FROM t", "t"},
      {"WITH RECURSIVE t AS (SELECT v FROM t) SELECT * FROM t", "t"},
      {"WITH t AS (FROM a) SELECT * FROM (WITH t AS (FROM t) FROM t)", "a"},
      {"WITH t AS (SELECT (SELECT v FROM t) v) FROM t", "t"},
      {"WITH t AS (WITH z AS (FROM t) FROM z) FROM t", "t"},
      // Nor the ones after it.
      {"WITH a AS (FROM b), b AS (SELECT 1) FROM a", "b"},
      {"WITH RECURSIVE a AS (FROM b), b AS (SELECT 1) FROM a", "b"},
      {"WITH a AS (SELECT 1), b AS (FROM a) FROM b", ""},
      {"WITH t AS (SELECT v FROM t), u AS (SELECT v FROM t) FROM u", "t"},
      // Inside only.
      {"SELECT * FROM (WITH t AS (SELECT 1) FROM t) x, t", "t"},
      {"(WITH t AS (SELECT 1) FROM t) UNION ALL FROM t", "t"},
      {"WITH t AS (SELECT 1 v) FROM t UNION ALL FROM t", ""},
      {"WITH a AS (WITH b AS (SELECT 1) FROM b), c AS (FROM b) FROM a, c", "b"},
      {"SELECT (WITH t AS (SELECT 1 v) SELECT v FROM t) FROM t", "t"},
      {"WITH t AS (SELECT 1 v) SELECT (SELECT v FROM t), (SELECT v FROM (FROM t))", ""},
      {"WITH t AS (SELECT 1 v) SELECT (WITH t AS (FROM t, u) SELECT v FROM t) FROM t", "u"},
      // Recursive ones see themselves in their second half.
      {"WITH RECURSIVE t AS (SELECT 1 n UNION ALL SELECT n + 1 FROM t WHERE n < 3) FROM t", ""},
      {"WITH RECURSIVE t AS (SELECT n FROM t UNION ALL SELECT n + 1 FROM t) FROM t", "t"},
      {"WITH RECURSIVE t AS (FROM a UNION SELECT n FROM t JOIN b USING (n)) FROM t", "a b"},
      {"WITH RECURSIVE a AS (SELECT 1 v UNION ALL FROM b), b AS (SELECT 1 v) FROM a", "b"},
      {"WITH RECURSIVE t AS (SELECT 1 n UNION ALL (WITH q AS (SELECT n FROM t) FROM q)) FROM t",
       ""},
      {"WITH RECURSIVE t AS (WITH t AS (FROM z) FROM t UNION ALL FROM t) FROM t", "z"},
      {"WITH RECURSIVE t(a) USING KEY (a) AS (SELECT 1 UNION SELECT a + 1 FROM t) FROM t, z", "z"},
      {"SELECT * FROM t, (WITH RECURSIVE t AS (SELECT 1 UNION ALL FROM t) FROM t)", "t"},
  };
  for (const Case& c : cases) EXPECT_EQ(tables(c.text), c.tables) << c.text;
}

// "name@line:column …", having seen that the text says `name` there.
template <typename Use>
std::string places(const std::string& text, const std::vector<Use>& uses,
                   std::string_view before = "") {
  std::string all;
  for (const Use& use : uses) {
    const std::string_view there = std::string_view(text).substr(use.position.offset);
    EXPECT_TRUE(there.starts_with(std::string(before) + use.name)) << use.name << " at " << there;
    all += (all.empty() ? "" : " ") + use.name + "@" + std::to_string(use.position.line) + ":" +
           std::to_string(use.position.column);
  }
  return all;
}

TEST(Analyze, every_use_has_its_place) {
  const std::string text =
      "SELECT f.carrier,\n"
      "       sum(x) AS \"größe\" -- é\n"
      "FROM flights f\n"
      "  JOIN planes p USING (tailnum)\n"
      "WHERE 'ñandú' <> upper(p.maker) AND f.day >= $day AND f.day < $day + $days\n"
      "ORDER BY 1";
  const Statement statement = analyzed(text);
  EXPECT_EQ(places(text, statement.tables), "flights@3:6 planes@4:8");
  EXPECT_EQ(places(text, statement.functions), "sum@2:8 upper@5:18");
  EXPECT_EQ(places(text, statement.parameters, "$"), "day@5:46 days@5:70");
  EXPECT_TRUE(statement.ordered);
}

TEST(Analyze, places_hold_behind_unicode_spaces) {
  const std::string text = "SELECT\u00A0x,\u2003'\u00A0' FROM\u3000t WHERE\u00A0lower(x) = $p";
  const Statement statement = analyzed(text);
  EXPECT_EQ(places(text, statement.tables), "t@1:20");
  EXPECT_EQ(places(text, statement.functions), "lower@1:28");
  EXPECT_EQ(places(text, statement.parameters, "$"), "p@1:39");
  EXPECT_EQ(refused("SELECT\u00A0'é' FROM\u3000t WHERE x y z").path, "1:27");
}

TEST(Analyze, errors_of_the_parser_point_into_the_text) {
  EXPECT_EQ(refused("SELECT 'ééé',\n  ü x y FROM t").path, "2:7");
  EXPECT_EQ(refused("SELECT a FROM t WHERE [1").path, "1:25");
  EXPECT_EQ(refused("SELECT a FROM t WHERE x = 'open").path, "1:27");
  EXPECT_EQ(refused("selec").code, "sql.syntax");
  EXPECT_EQ(refused("selec").message, "syntax error at or near \"selec\"");
  EXPECT_EQ(refused("\n -- first\n /* second */ COPY t TO 'x'").path, "3:15");
  EXPECT_EQ(refused("SELECT 1;\n\nSELECT 2").path, "3:1");
  EXPECT_EQ(refused("SELECT ';'; -- ;\n  SELECT 2").path, "2:3");
}

TEST(Analyze, ordered_is_the_statements_own_order) {
  EXPECT_TRUE(analyzed("SELECT x FROM t ORDER BY x LIMIT 3").ordered);
  EXPECT_TRUE(analyzed("SELECT x FROM t UNION ALL SELECT x FROM t ORDER BY ALL").ordered);
  EXPECT_FALSE(analyzed("SELECT x FROM (SELECT x FROM t ORDER BY x)").ordered);
  EXPECT_FALSE(
      analyzed("SELECT list(x ORDER BY x), sum(x) OVER (ORDER BY x) FROM t LIMIT 3").ordered);
}

TEST(Analyze, parameters_have_plain_names) {
  const std::string text = "SELECT '$no', \"$no\", $$ $no $$, /* $no */ $yes -- $no";
  EXPECT_EQ(places(text, analyzed(text).parameters, "$"), "yes@1:43");
  EXPECT_THAT(analyzed("SELECT 1").parameters, IsEmpty());
  EXPECT_EQ(refused("SELECT $Min").code, "sql.parameter");
  EXPECT_EQ(refused("SELECT $größe").code, "sql.parameter");
  EXPECT_EQ(refused("SELECT a,\n $2").path, "2:2");
  // The parser numbers them; nobody wrote such a number.
  EXPECT_EQ(refused("SELECT 5, ?").path, "1:11");
  EXPECT_EQ(refused("SELECT 5, ?").message, "parameters have names, and \"?\" has none");
  EXPECT_EQ(refused("SELECT '?',\n /* ? */ ? + ?").path, "2:10");
}

// Texts as people write them, one of each kind of function and syntax.
TEST(Analyze, allows_what_queries_need) {
  for (const char* text : {
           "SELECT f.carrier, p.engine, count(*) AS n, avg(f.dep_delay) AS delay FROM flights f "
           "JOIN planes p ON p.tailnum = f.tailnum GROUP BY f.carrier, p.engine HAVING count(*) >= "
           "$n",
           "SELECT a::INT, CAST(b AS DECIMAL(10, 2)), TRY_CAST(c AS DATE), d::VARCHAR(3), "
           "e::INT[], f::JSON, "
           "g::STRUCT(a INT, b MAP(VARCHAR, INT[])), h::UNION(n INT, s VARCHAR), i::INT[3], "
           "j::TIMESTAMPTZ, "
           "k::JSON[], l::UUID, m::HUGEINT, n::BIT, o::TIME, p::BLOB, q::TIMESTAMP_NS FROM t",
           "SELECT date_trunc('month', d), extract(year FROM d), d + INTERVAL 1 DAY, d AT TIME "
           "ZONE 'UTC', "
           "current_date, now(), strftime(d, '%Y'), strptime(s, '%d'), date_diff('day', a, b), "
           "DATE "
           "'2024-01-01', INTERVAL (n) MINUTE, make_date(2024, 1, 1), d - b, epoch_ms(d), age(d) "
           "FROM t",
           "SELECT trim(BOTH 'x' FROM s), substring(s FROM 2 FOR 1), position('a' IN s), s || 'x', "
           "s LIKE "
           "'a%' ESCAPE '!', s ILIKE 'A', s SIMILAR TO 'a+', s GLOB 'a*', s[1], s[1:2], "
           "split_part(s, ',', "
           "1), regexp_replace(s, '(a)', '\\1', 'g'), concat_ws(',', a, b), lpad(s, 10, ' '), "
           "repeat('-', "
           "80), format('{:>10}', 1), printf('%05d', 42), s COLLATE NOCASE, chr(65), upper(s) FROM "
           "t",
           "SELECT abs(a), a // b, a % b, a ^ b, a ** 2, 5!, -a, @a, a & b, a | b, a << 1, ~a, "
           "round(a, 2), "
           "greatest(a, b), ln(a), pi(), random() FROM t",
           "SELECT count(DISTINCT a), sum(a) FILTER (WHERE b), list(a ORDER BY b), string_agg(a, "
           "','), "
           "quantile_cont(a, [0.5, 0.9]), percentile_cont(0.5) WITHIN GROUP (ORDER BY a), mode() "
           "WITHIN "
           "GROUP (ORDER BY a), arg_max(a, b), histogram(a), any_value(a), stddev(a), corr(a, b), "
           "bool_and(a), approx_count_distinct(a), grouping(a) FROM t GROUP BY CUBE (a, b)",
           "SELECT row_number() OVER w, lag(a, 1, 0) OVER w, sum(a) OVER (PARTITION BY b ORDER BY "
           "c ROWS "
           "BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES), first_value(a IGNORE NULLS) OVER w, "
           "ntile(4) "
           "OVER w, list(a ORDER BY b) OVER (PARTITION BY c) FROM t WINDOW w AS (ORDER BY d)",
           "SELECT [1, 2], ARRAY[1], {'a': 1}, MAP {'a': 1}, row(1, 2), (1, 2) = (3, 4), l[1], "
           "s.a.b, m['k'], "
           "list_sum(l), list_sort(l), list_contains(l, 1), unnest(l), struct_insert(s, b := 2), a "
           "IN l, "
           "flatten([[1]]), map_keys(m), array_to_string(l, ','), len(l), range(10), l && l, l @> "
           "l FROM t",
           "SELECT j -> '$.a' ->> 'b', j->>'$.a', json_extract(j, '$.a'), to_json(s), "
           "json_object('a', 1), "
           "from_json(j, '{\"a\": \"INT\"}'), json_array_length(j), json_keys(j) FROM t",
           "SELECT * EXCLUDE (a) REPLACE (b + 1 AS b) RENAME (c AS d), COLUMNS('x.*'), t.*, "
           "max(COLUMNS(*)), "
           "concat(*COLUMNS('y')) FROM t",
           "SELECT CASE WHEN a THEN 1 ELSE 2 END, CASE a WHEN 1 THEN 2 END, if(a, b, c), ifnull(a, "
           "b), "
           "coalesce(a, b), nullif(a, b), a IS NOT DISTINCT FROM b, a IS NOT TRUE, a BETWEEN 1 AND "
           "2, NOT a, "
           "a IN (1, 2), xor(a, b), TRY(a / b), typeof(a), a IS NULL, #1 FROM t",
           "SELECT md5(s), sha256(s), hash(s), uuid(), base64(b), hex(b), encode(s), url_encode(s) "
           "FROM t",
           "SELECT * FROM range(1000000000) r(i), generate_series(DATE '2024-01-01', DATE "
           "'2024-12-31', "
           "INTERVAL 1 DAY) d(day), unnest([1, 2]) WITH ORDINALITY u(x, n)",
           "FROM t SELECT a WHERE b GROUP BY ALL ORDER BY ALL DESC NULLS LAST LIMIT 10% OFFSET 2",
           "SELECT DISTINCT ON (a) a, b FROM t QUALIFY rank() OVER (ORDER BY b) <= 3;",
           "VALUES (1, 'a'), (2, 'b')",
           "SELECT main.lower('X')",
       }) {
    const Result<Statement> answer = shared_parser().analyze(text);
    EXPECT_TRUE(answer.ok()) << text << "\n" << answer.error().to_text();
  }
}

TEST(Analyze, says_what_to_do) {
  Error error = refused("SELECT lenght(x) FROM t");
  EXPECT_EQ(error.error_class, ErrorClass::kUser);
  EXPECT_EQ(error.to_text(),
            "sql.function_unknown at 1:8: no function \"lenght\" (did you mean \"length\"?)");
  error = refused("SELECT getenv('HOME')");
  EXPECT_EQ(error.error_class, ErrorClass::kPolicy);
  EXPECT_EQ(error.message,
            "the function \"getenv\" is not allowed: it reads the process's environment");
  error = refused("SELECT s.upper() FROM t");
  EXPECT_THAT(error.hint, HasSubstr("upper("));
  error = refused("SELECT *\nFROM '/etc/passwd'");
  EXPECT_EQ(error.path, "2:6");
  EXPECT_EQ(error.message, "\"/etc/passwd\" is not the name of a dataset");
  error = refused("COPY t TO 'x'");
  EXPECT_EQ(error.message, "a query is one SELECT; this begins with \"COPY\"");
  for (const char* const pivot : {"SELECT *\nFROM (PIVOT t ON x USING sum(y))",
                                  "WITH p AS\n(PIVOT t ON x USING sum(y)) FROM p",
                                  "FROM\n(pivot_wider t ON x USING sum(y))"}) {
    error = refused(pivot);
    EXPECT_EQ(error.code, "sql.not_select") << pivot;
    EXPECT_EQ(error.message,
              "a query is one SELECT, and PIVOT without the values that become columns is several")
        << pivot;
    EXPECT_THAT(error.hint, HasSubstr("IN ("));
  }
  error = refused("PIVOT t ON x USING sum(y)");
  EXPECT_EQ(error.message,
            "a query is one SELECT, and PIVOT without the values that become columns is several");
  error = refused("WITH p AS (SELECT 1 AS a) INSERT INTO t SELECT * FROM p");
  EXPECT_EQ(error.message, "a query is one SELECT; this begins with \"WITH\"");
  error = refused("SELECT * FROM (SHOW TABLES)");
  EXPECT_EQ(error.message, "SHOW, DESCRIBE or SUMMARIZE is not allowed in a query");
  error = refused("SELECT repeat('x', n) FROM t");
  EXPECT_EQ(error.message,
            "\"repeat\" needs a literal number of at most 10000 as its second argument");
  error = refused("SELECT * FROM my_schema.t");
  EXPECT_EQ(error.message, "\"my_schema.t\" is not the name of a dataset");
}

TEST(Analyze, empty_texts_have_no_statement) {
  for (const char* text : {"", "  \n", ";", ";;", "-- nothing", "/* nothing */ ;"}) {
    EXPECT_EQ(refused(text).code, "sql.empty") << text;
  }
}

TEST(Analyze, texts_that_no_parser_should_see) {
  EXPECT_EQ(check_text(std::string(std::size_t{1} << 20, ' ')).ok(), true);
  EXPECT_EQ(check_text(std::string((std::size_t{1} << 20) + 1, ' ')).error().code, "sql.too_large");
  using namespace std::string_literals;
  for (const std::string& bad :
       {"\xff"s, "\x80"s, "\xc3"s, "\xc0\x80"s, "\xed\xa0\x80"s, "\xe2\x82"s, "\xf4\x90\x80\x80"s,
        "\xf0\x80\x80\x80"s, "\0"s, "\xc3'"s}) {
    const Status status = check_text("SELECT\n 'é" + bad + "'");
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, "sql.encoding");
    EXPECT_EQ(status.error().path, "2:4");
  }
  EXPECT_TRUE(check_text("SELECT 'aé€😀'").ok());
}

TEST(Analyze, a_tree_that_is_none_is_our_error) {
  for (const char* tree :
       {"", "{", "[]", "null", "{}", R"({"error":1})", R"({"error":false})",
        R"({"error":false,"statements":{}})", R"({"error":false,"statements":[1]})",
        R"({"error":false,"statements":[{"node":1}]})",
        R"({"error":false,"statements":[{"node":{"type":"SELECT_NODE","cte_map":1}}]})"}) {
    const Result<Statement> answer = analyze_tree(tree, "SELECT 1");
    ASSERT_FALSE(answer.ok()) << tree;
    EXPECT_EQ(answer.error().code, "sql.tree_malformed") << tree;
  }
}

TEST(Analyze, a_field_that_no_row_names_is_refused) {
  const std::string known = shared_parser().tree("SELECT lower(x) FROM t").value();
  ASSERT_TRUE(analyze_tree(known, "SELECT lower(x) FROM t").ok());
  for (const char* place : {"\"function_name\":", "\"from_table\":", "\"table_name\":"}) {
    std::string tree = known;
    tree.insert(tree.find(place), "\"reads_also\":{},");
    const Result<Statement> answer = analyze_tree(tree, "SELECT lower(x) FROM t");
    ASSERT_FALSE(answer.ok()) << tree;
    EXPECT_EQ(answer.error().code, "sql.node_refused");
  }
}

TEST(ErrorPosition, is_read_back_from_the_path) {
  EXPECT_EQ(error_position(Error{}.at("12:7")), (Position{0, 12, 7}));
  for (const char* path : {"", "1", "1:", ":1", "a:b", "1:2:3", "spec.tasks[0]"}) {
    EXPECT_EQ(error_position(Error{}.at(path)), std::nullopt) << path;
  }
}

}  // namespace
}  // namespace millrace::sql
