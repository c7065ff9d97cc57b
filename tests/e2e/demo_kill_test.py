#!/usr/bin/env python3
"""The flights workflow through the real programs, while one after the other is killed with -9.

Whatever dies, and whenever: after `millrace up` the run ends with the rows that expected_delays.py computes
by itself, each dataset was committed once, the delivery lies in its place once, and once all is swept, the
files present are those that snapshots refer to.
"""
import csv
import pathlib
import shutil
import tempfile
import unittest

import expected_delays
from stack import DATA, Stack

MIN_FLIGHTS = 100
DATASETS = ("flights", "weather", "planes", "delays")


class DemoKill(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.expected = expected_delays.expected(DATA, MIN_FLIGHTS)

    def check_result(self, stack, run, expected=None):
        """The run succeeded, with the right rows, once."""
        waited = stack.call("wait", run, "--timeout", "120s", check=False, timeout=180)
        explained = stack.call("explain", "run", run, check=False).stdout
        self.assertEqual(waited.returncode, 0, waited.stderr + explained + stack.logs())
        self.assertEqual(expected_delays.delivered(stack.out / "delays"), expected or self.expected)
        for dataset in DATASETS:
            snapshots = stack.json("get", "snapshots", dataset)["items"]
            self.assertEqual(len(snapshots), 1, f"{dataset}: {snapshots}")
        for name, task in stack.tasks(run).items():
            self.assertEqual(task["state"], "Succeeded", name)
        stack.check_files()

    def kill_when(self, task, states, kill):
        """Starts the demo, kills once the task is in one of the states, repairs with `up`, checks."""
        with Stack() as stack:
            run = stack.start_flights(min_flights=MIN_FLIGHTS)
            seen = stack.wait_for_task(run, task, states)
            kill(stack)
            print(f"{task} was {seen};", end=" ", flush=True)
            stack.up()
            self.check_result(stack, run)

    def test_nothing_is_killed_and_a_second_run_gives_the_same(self):
        with Stack() as stack:
            self.check_result(stack, stack.start_flights(min_flights=MIN_FLIGHTS))
            again = stack.start_flights(min_flights=MIN_FLIGHTS)
            stack.call("wait", again, "--timeout", "120s", timeout=180)
            self.assertEqual(expected_delays.delivered(stack.out / "delays"), self.expected)

    def test_scheduler_while_flights_are_read(self):
        self.kill_when("load_flights", ("Running",), lambda stack: stack.kill(stack.pid("scheduler")))

    def test_scheduler_while_the_query_runs(self):
        self.kill_when("delays", ("Running",), lambda stack: stack.kill(stack.pid("scheduler")))

    def test_scheduler_while_the_delivery_is_under_way(self):
        self.kill_when("to_folder", ("Running", "Ready"), lambda stack: stack.kill(stack.pid("scheduler")))

    def test_worker(self):
        self.kill_when("load_flights", ("Running",), lambda stack: stack.kill(stack.pid("worker")))

    def test_runners(self):
        def kill(stack):
            for runner in stack.runners():
                stack.kill(runner)

        self.kill_when("load_flights", ("Running",), kill)

    def test_postgres(self):
        self.kill_when("load_flights", ("Running",), lambda stack: stack.kill(stack.pid("postgres")))

    def test_all_at_once(self):
        def kill(stack):
            pids = [stack.pid(part) for part in ("scheduler", "worker", "postgres")]
            for pid in pids:
                stack.kill(pid)

        self.kill_when("delays", ("Running", "Ready"), kill)

    def test_one_changed_row_changes_the_result(self):
        with tempfile.TemporaryDirectory(prefix="millrace-e2e-data-") as folder:
            changed = pathlib.Path(folder)
            for name in ("weather.csv", "planes.csv"):
                shutil.copy(DATA / name, changed)
            with open(DATA / "flights.csv", newline="") as source, open(changed / "flights.csv", "w", newline="") as sink:
                reader, writer = csv.reader(source), csv.writer(sink, lineterminator="\n")
                header = next(reader)
                writer.writerow(header)
                delay = header.index("dep_delay")
                for number, row in enumerate(reader):
                    if number == 0:
                        row[delay] = str(int(row[delay]) + 100_000)
                    writer.writerow(row)
            expected = expected_delays.expected(changed, MIN_FLIGHTS)
            self.assertNotEqual(expected, self.expected)
            with Stack(data=changed) as stack:
                self.check_result(stack, stack.start_flights(min_flights=MIN_FLIGHTS), expected)


if __name__ == "__main__":
    unittest.main(verbosity=2)
