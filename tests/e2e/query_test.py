#!/usr/bin/env python3
"""`millrace query` and `get quarantine` through the real programs.

Values of every type are those that were put in; what is asked in passing leaves no run and no file; hostile
texts are refused; and whatever dies while a query runs, its caller is told and the next one is answered.
"""
import concurrent.futures
import contextlib
import csv
import http.client
import io
import json
import os
import pathlib
import re
import time
import unittest
import urllib.parse

from stack import SOURCE, Stack

ENDLESS = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE hash(a.range, b.range) = 1"

# Column, its SQL type, the texts of three records in CSV, and what JSON shows for them.
COLUMNS = (
    ("n", "BIGINT", ("9007199254740993", "-1", "0"), (9007199254740993, -1, 0)),
    ("small", "TINYINT", ("-128", "", "127"), (-128, None, 127)),
    ("big", "UBIGINT", ("18446744073709551615", "0", ""), (18446744073709551615, 0, None)),
    ("f", "DOUBLE", ("0.1", "-1e300", "nan"), (0.1, -1e300, "NaN")),
    ("amount", "DECIMAL(38,2)", ("123456789012345678901234567890.10", "-0.05", ""),
     ("123456789012345678901234567890.10", "-0.05", None)),
    ("yes", "BOOLEAN", ("true", "false", ""), (True, False, None)),
    ("day", "DATE", ("2013-01-31", "0001-01-01", ""), ("2013-01-31", "0001-01-01", None)),
    ("moment", "TIMESTAMP", ("2013-01-01 05:00:00.123456", "2013-01-01 05:00:00", ""),
     ("2013-01-01 05:00:00.123456", "2013-01-01 05:00:00", None)),
    ("zoned", "TIMESTAMPTZ", ("2013-01-01 05:00:00+02:00", "2013-06-01T05:00:00Z", ""),
     ("2013-01-01 03:00:00+00", "2013-06-01 05:00:00+00", None)),
    ("hour", "TIME", ("23:59:59.5", "00:00:00", ""), ("23:59:59.5", "00:00:00", None)),
    ("text", "VARCHAR", ('"a,""b""\n\\c"', '""', ""), ('a,"b"\n\\c', "", None)),
    ("raw", "BLOB", ("a\\x00\\xFF", "b", ""), ("a\\x00\\xFF", "b", None)),
    ("id", "UUID", ("5e8ecd3a0b8c4e5f8a710123456789ab", "", ""), ("5e8ecd3a-0b8c-4e5f-8a71-0123456789ab", None, None)),
    ("doc", "JSON", ('"{""a"": [1, null]}"', "null", ""), ({"a": [1, None]}, None, None)),
    ("list", "BIGINT[]", ('"[1, null, 3]"', "[]", ""), ([1, None, 3], [], None)),
)


class Query(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()
        cls.addClassCleanup(cls.stack.__exit__)
        cls.stack.up()
        cls.write("types.csv", ",".join(column[0] for column in COLUMNS) + "\n"
                  + "".join(",".join(column[2][i] for column in COLUMNS) + "\n" for i in range(3)))
        cls.write("bad.csv", b"a,b\n1,x\ntwo,y\n3,\xff\x1b\n")
        schema = ", ".join(f"{{name: '{name}', type: '{sql}'}}" for name, sql, _, _ in COLUMNS)
        cls.run_workflow(f"""
  - name: types
    ingest: {{from: {{url: 'file://{cls.stack.out}/types.csv', csv: {{}}}}, into: {{dataset: types, schema: [{schema}]}}}}
  - name: bad
    ingest:
      from: {{url: 'file://{cls.stack.out}/bad.csv', csv: {{}}}}
      into: {{dataset: bad, schema: [{{name: a, type: BIGINT}}, {{name: b, type: VARCHAR}}]}}
      quarantine: {{maxRows: 10}}
""")

    @classmethod
    def write(cls, name, content):
        path = cls.stack.out / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    @classmethod
    def run_workflow(cls, tasks):
        cls.write("w.yaml", "apiVersion: millrace.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  tasks:" + tasks)
        cls.stack.call("apply", "-f", cls.stack.out / "w.yaml")
        cls.stack.call("run", "w", "--wait", "--timeout", "60s")

    def tearDown(self):
        self.assertEqual(self.answers(), [], "an answer was left behind")
        names = [run["metadata"]["name"] for run in self.stack.json("get", "runs")["items"]]
        self.assertEqual([name for name in names if not re.fullmatch(r"w-[0-9a-z]+", name)], [], "a query is listed as a run")

    def answers(self):
        folder = self.stack.directory / "data" / ".answers"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def query(self, sql, *arguments, **options):
        return self.stack.call("query", sql, *arguments, **options)

    def rows(self, sql, *arguments):
        return json.loads(self.query(sql, "-o", "json", *arguments).stdout)["rows"]

    def connection(self):
        url = urllib.parse.urlparse(self.stack.json("status")["url"])
        return http.client.HTTPConnection(url.hostname, url.port, timeout=60)

    def post(self, body, **headers):
        """Sends the request; the answer is the connection's."""
        connection = self.connection()
        token = (self.stack.directory / "tokens" / "api").read_text().strip()
        connection.request("POST", "/v1/namespaces/default/queries", json.dumps(body),
                           {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} | headers)
        return connection

    def answer(self, body, **headers):
        with contextlib.closing(self.post(body, **headers)) as connection:
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()

    def wait_until_answered(self, limit=30):
        """Until a query is answered again: places and workers are free."""
        deadline = time.monotonic() + limit
        while self.query("SELECT 1 AS a", check=False).returncode != 0:
            self.assertLess(time.monotonic(), deadline, self.stack.logs())
            time.sleep(0.05)

    # --- values

    def test_values_of_every_type_are_those_that_were_put_in(self):
        answer = json.loads(self.query("SELECT * FROM types ORDER BY n DESC", "-o", "json").stdout)
        self.assertEqual([column["name"] for column in answer["columns"]], [column[0] for column in COLUMNS])
        order = (0, 2, 1)  # by n, falling
        for place, record in enumerate(order):
            for name, sql, _, shown in COLUMNS:
                self.assertEqual(answer["rows"][place][name], shown[record], f"{name} {sql} of record {record}")

    def test_csv_is_what_a_delivery_would_be(self):
        delivered = self.stack.out / "delivered"
        self.run_workflow(f"\n  - {{name: d, deliver: {{dataset: types, to: {{objectStore: {{url: 'file://{delivered}', csv: {{}}}}}}}}}}\n")
        (file,) = delivered.glob("types-*.csv")
        as_csv = self.query("SELECT * FROM types", "-o", "csv").stdout
        self.assertEqual(list(csv.reader(io.StringIO(as_csv))), list(csv.reader(io.StringIO(file.read_text()))))

    def test_results_that_parquet_could_not_hold(self):
        (row,) = self.rows("SELECT sum(n) AS s, {'a': [1.50::DECIMAL(4,2)], 'z': NULL} AS st, MAP {'k': moment} AS m,"
                           " moment - moment AS i FROM types WHERE n > 0 GROUP BY moment")
        self.assertEqual(row, {"s": "9007199254740993", "st": {"a": ["1.50"], "z": None},
                               "m": {"k": "2013-01-01 05:00:00.123456"}, "i": "00:00:00"})

    def test_parameters_are_values(self):
        injection = "'; DROP TABLE types; --"
        (row,) = self.rows("SELECT $n + 1 AS n, $t AS t, $q AS q, $b AS b", "-p", "n=41", "-p", f"t={injection}",
                           "-p", 'q="5"', "-p", "b=true")
        self.assertEqual(row, {"n": 42, "t": injection, "q": "5", "b": True})

    def test_a_table_for_people(self):
        done = self.query("SELECT n, text FROM types WHERE small IS NOT NULL ORDER BY n")
        self.assertEqual(done.stdout, '               n  text\n               0\n9007199254740993  a,"b" \\c\n')
        self.assertEqual(done.stderr, "2 rows\n")

    # --- bounds

    def test_rows_beyond_the_limit_are_left_out_and_that_is_said(self):
        done = self.query("SELECT range AS a FROM range(1000000000)", "--limit", "3", "-o", "csv")
        self.assertEqual(done.stdout, "a\n0\n1\n2\n")
        self.assertIn("the first 3 rows", done.stderr)
        status, headers, text = self.answer({"sql": "SELECT repeat('x', 10000) AS a FROM range(1000000000)", "maxRows": 1000000},
                                            Accept="text/csv")
        self.assertEqual((status, headers["Millrace-Truncated"]), (200, "true"))
        self.assertLessEqual(len(text), 64 << 20)
        self.assertGreater(len(text), 63 << 20)
        self.assertEqual(int(headers["Millrace-Rows"]), text.count("\n") - 1)

    def test_a_query_that_takes_too_long_is_stopped(self):
        started = time.monotonic()
        done = self.query(ENDLESS, "--timeout", "500ms", check=False)
        self.assertEqual(done.returncode, 9, done.stderr)
        self.assertEqual(done.stderr, "error: the query did not end within 500ms. Ask for less, or give it more time.\n")
        self.assertLess(time.monotonic() - started, 10)
        self.wait_until_answered()

    def test_only_so_many_at_once_and_who_leaves_makes_room(self):
        asking = [self.post({"sql": ENDLESS, "timeout": "5m"}) for _ in range(8)]
        deadline = time.monotonic() + 30
        while True:
            status, headers, text = self.answer({"sql": "SELECT 1 AS a"})
            if status == 429:
                break
            self.assertLess(time.monotonic(), deadline, text)
        self.assertEqual(json.loads(text)["code"], "query.too_many")
        self.assertTrue(headers["Retry-After"])
        for connection in asking:
            connection.close()
        self.wait_until_answered()

    # --- faults

    def test_faults_have_places(self):
        for sql, line, column, code in (
                ("SELECT\n  1 +", 2, 6, "sql.syntax"),
                ("SELECT *\nFROM type", 2, 6, "dataset.unknown"),
                ("SELECT n,\n  nope FROM types", 2, 3, "query.invalid"),
                ("SELECT $missing AS x", 1, 8, "query.parameter_missing")):
            status, _, text = self.answer({"sql": sql})
            problem = json.loads(text)
            self.assertEqual((status, problem["code"]), (422, "query.invalid"), text)
            (entry,) = problem["errors"]
            self.assertEqual((entry["line"], entry["column"], entry["code"]), (line, column, code), text)
        self.assertEqual(self.answer({"sql": "SELECT 'x'::INT AS a"})[0], 422)
        done = self.query("SELECT * FROM type", check=False)
        self.assertEqual((done.returncode, done.stderr), (3, 'sql:1:15 no dataset named "type". Did you mean types?\n'))

    def test_hostile_texts_are_refused(self):
        canary = self.stack.out / "secret.csv"
        canary.write_text("secret\nthe-canary-sings\n")
        blocks = re.findall(r"-- id: (\S+)\n-- expect: (\S+)\n(.*?)\n(?=\n-- id:|\Z)",
                            (SOURCE / "lib/sql/testdata/hostile.sql").read_text(), re.DOTALL)
        refused = 0
        for name, expected, sql in blocks:
            if expected == "limits":
                continue
            status, _, text = self.answer({"sql": sql.replace("/canary/secret.csv", str(canary))})
            self.assertEqual(status, 422, f"{name}: {text}")
            self.assertNotIn("sings", text, name)
            self.assertEqual(json.loads(text)["errors"][0]["code"], expected, name)
            refused += 1
        self.assertGreaterEqual(refused, 80)

    def test_texts_that_would_take_the_machine_down_end(self):
        for sql in ("WITH a AS (SELECT repeat('x', 10000) AS s), b AS (SELECT replace(s, 'x', s) AS s FROM a) "
                    "SELECT length(replace(s, 'x', s)) AS n FROM b",
                    "SELECT len(list(repeat('x', 1000) || i)) AS n FROM range(100000000) t(i)"):
            status, _, text = self.answer({"sql": sql, "timeout": "20s"})
            self.assertIn(status, (422, 503, 504), text)
        self.wait_until_answered()

    # --- what dies

    def in_the_middle(self, kill):
        """Kills while a query runs; what its caller was told."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(self.query, ENDLESS, "--timeout", "5m", check=False)
            deadline = time.monotonic() + 30
            while not any(self.is_busy(pid) for pid in self.stack.runners()):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            kill()
            return asked.result(timeout=60)

    def is_busy(self, pid):
        """Whether a runner has computed for a while since it was ready."""
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return False
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") > 0.5

    def test_a_scheduler_that_dies_is_told_and_leaves_nothing_running(self):
        told = self.in_the_middle(lambda: self.stack.kill(self.stack.pid("scheduler")))
        self.assertEqual(told.returncode, 7, told.stderr)
        self.assertTrue(told.stderr.startswith("error: "), told.stderr)
        # What nobody fetched, and one that is being written, as a scheduler finds them.
        folder = self.stack.directory / "data" / ".answers"
        for name, age in (("old-1", 3700), ("fresh-1", 60)):
            (folder / name).write_text("x")
            os.utime(folder / name, (time.time() - age,) * 2)
        self.stack.up()
        self.wait_until_answered()
        self.assertEqual(self.answers(), ["fresh-1"])
        (folder / "fresh-1").unlink()
        deadline = time.monotonic() + 15
        while any(self.is_busy(pid) for pid in self.stack.runners()):
            self.assertLess(time.monotonic(), deadline, "the orphan goes on")
            time.sleep(0.05)

    def test_a_worker_that_dies_is_told(self):
        def kill():
            self.stack.kill(self.stack.pid("worker"))
            self.stack.up()
        told = self.in_the_middle(kill)
        self.assertEqual(told.returncode, 7, told.stderr)
        self.assertIn("the query was interrupted", told.stderr)
        self.wait_until_answered()

    def test_a_runner_that_dies_is_told(self):
        told = self.in_the_middle(lambda: [self.stack.kill(pid) for pid in self.stack.runners()])
        self.assertEqual(told.returncode, 7, told.stderr)
        self.assertIn("the query was interrupted", told.stderr)
        self.wait_until_answered()

    # --- quarantine, datasets, snapshots

    def test_quarantined_rows_are_shown_with_their_places(self):
        rows = self.stack.json("get", "quarantine", "bad")["items"]
        path = f"{self.stack.out}/bad.csv"
        self.assertEqual([(row["file"], row["record"], row["line"], row["byte_offset"], row["column"], row["error_class"], row["raw"])
                          for row in rows],
                         [(path, 2, 3, 8, "a", "value.type", "two,y"), (path, 3, 4, 14, None, "record.not_utf8", "3,\\xFF\\x1B")])
        content = (self.stack.out / "bad.csv").read_bytes()
        for row in rows:
            raw = row["raw"].encode().decode("unicode_escape").encode("latin-1")
            self.assertEqual(content[row["byte_offset"]:].split(b"\n")[0], raw)
        table = self.stack.call("get", "quarantine", "bad_quarantine").stdout
        self.assertRegex(table, r"^FILE +RECORD +LINE +BYTE +COLUMN +ERROR +RAW\n")
        self.assertEqual(table.count("\n"), 3)
        self.assertEqual(self.stack.call("get", "quarantine", "bad", "-o", "name").stdout, f"{path}:3\n{path}:4\n")
        self.assertIn("error_class: value.type", self.stack.call("get", "quarantine", "bad", "-o", "yaml").stdout)
        self.assertEqual(self.stack.call("get", "quarantine", "nobody", check=False).returncode, 4)

    def test_datasets_and_snapshots_are_listed(self):
        names = self.stack.call("get", "datasets", "-o", "name").stdout.split()
        self.assertEqual(names, ["bad", "bad_quarantine", "types", "types_quarantine"])
        dataset = self.stack.json("get", "datasets", "types")
        self.assertEqual(dataset["status"]["rows"], 3)
        newest = self.stack.json("get", "snapshots", "types")["items"][0]
        self.assertEqual(newest["id"], dataset["status"]["snapshot"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
