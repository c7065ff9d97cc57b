#!/usr/bin/env python3
"""The flights workflow, killed with -9 at each named failpoint on its way: the steps whose order matters.

The programs kill themselves there (base/failpoint.h): the scheduler before, in and after commits and when it
takes the lead or writes a checkpoint, workers around what they say, runners around a result, an upload, a
publication. Then `up` without failpoints repairs, and
the result is that of an undisturbed run, once. Ends with how often each failpoint was passed.
"""
import collections
import os
import pathlib
import shutil
import tempfile
import time
import unittest

import expected_delays
from stack import DATA, Stack

ROWS = 20_000  # of flights: enough for every step, and quick
MIN_FLIGHTS = 10
DATASETS = ("flights", "weather", "planes", "delays")

# Failpoint and at which pass of it: early, and in the thick of the run.
OF_THE_SCHEDULER = (
    ("store.before_leadership", 1), ("store.after_leadership", 1),
    # The third commit is that of the run's submission, whose answer is then lost.
    ("store.before_commit", 3), ("store.before_commit", 8), ("store.projection", 5),
    ("store.in_commit", 3), ("store.in_commit", 7), ("store.after_commit", 3), ("store.after_commit", 6),
    ("store.after_commit", 8),
)
# With a checkpoint every few batches.
OF_A_CHECKPOINT = (("store.before_checkpoint", 1), ("store.in_checkpoint", 1), ("store.after_checkpoint", 2))
OF_A_WORKER = (("worker.start", 2), ("worker.heartbeat", 1), ("worker.before_result", 1), ("worker.result_acknowledged", 2))
OF_A_RUNNER = (
    ("runner.before_result", 1), ("runner.after_result", 1), ("upload.before_fsync", 1), ("upload.after_fsync", 1),
    ("publish.before_lock", 1), ("publish.before_move", 1), ("publish.after_move", 1), ("publish.after_manifest", 1),
)


class Failpoints(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="millrace-e2e-data-")
        data = pathlib.Path(cls.folder.name)
        data.chmod(0o755)
        for name in ("weather.csv", "planes.csv"):
            shutil.copy(DATA / name, data)
        with open(DATA / "flights.csv") as source, open(data / "flights.csv", "w") as sink:
            for line, _ in zip(source, range(ROWS + 1)):
                sink.write(line)
        cls.data = data
        cls.expected = expected_delays.expected(data, MIN_FLIGHTS)
        cls.histogram = collections.Counter()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()
        print("\npassed, over all:", *(f"{name} {count}" for name, count in sorted(cls.histogram.items())), sep="\n  ")

    def wait_for_pass(self, log, name, count, stack):
        """Until the failpoint has been passed so often: at that very moment the process died."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if log.exists() and log.read_text().split().count(name) >= count:
                return
            time.sleep(0.01)
        self.fail(f"{name} was not passed {count} times in 60 s: is it still on the way?\n{stack.logs()}")

    def start_with(self, stack, environment):
        """The stack with failpoints; the process that submits a run, if it comes so far."""
        stack.call("down")
        if stack.up(env=os.environ | environment, check=False).returncode != 0:
            return None
        # Tries again under its key until the scheduler is back, where its answer is lost.
        return stack.submit_flights(min_flights=MIN_FLIGHTS)

    def start_with_checkpoints(self, stack, environment):
        stack.apply_flights()  # the next scheduler may not live long enough
        stack.replace_scheduler(environment, checkpoint_interval="50ms", checkpoint_batches=2)
        return stack.submit_applied_flights(min_flights=MIN_FLIGHTS)

    def killed_at(self, name, count, after=lambda stack: None, start=None):
        with Stack(data=self.data) as stack:
            log = stack.root / "passed"
            submission = (start or self.start_with)(
                stack, {"MILLRACE_FAILPOINT_KILL": f"{name}:{count}", "MILLRACE_FAILPOINT_LOG": str(log)})
            self.wait_for_pass(log, name, count, stack)
            self.histogram.update(log.read_text().split())
            after(stack)
            stack.up()
            if submission is None:  # it did not come so far that a run could be started
                submission = stack.submit_flights(min_flights=MIN_FLIGHTS)
            output, _ = submission.communicate(timeout=60)
            self.assertEqual(submission.returncode, 0, output + stack.logs())
            run = output.split()[-1]
            self.assertEqual(len(stack.json("get", "runs")["items"]), 1, "one submission, one run")
            waited = stack.call("wait", run, "--timeout", "120s", check=False, timeout=180)
            explained = stack.call("explain", "run", run, check=False).stdout
            self.assertEqual(waited.returncode, 0, waited.stderr + explained + stack.logs())
            self.assertEqual(expected_delays.delivered(stack.out / "delays"), self.expected)
            for dataset in DATASETS:
                self.assertEqual(len(stack.json("get", "snapshots", dataset)["items"]), 1, dataset)
            stack.check_files()

    def test_of_the_scheduler(self):
        for name, count in OF_THE_SCHEDULER:
            with self.subTest(failpoint=name, count=count):
                self.killed_at(name, count)

    def test_of_a_checkpoint(self):
        for name, count in OF_A_CHECKPOINT:
            with self.subTest(failpoint=name, count=count):
                self.killed_at(name, count, start=self.start_with_checkpoints)

    def test_of_a_worker(self):
        for name, count in OF_A_WORKER:
            with self.subTest(failpoint=name, count=count):
                self.killed_at(name, count)

    def test_of_a_runner(self):
        for name, count in OF_A_RUNNER:
            with self.subTest(failpoint=name):
                # The worker would give the failpoint to the next runner as well: its successor does not.
                self.killed_at(name, count, after=lambda stack: stack.kill(stack.pid("worker")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
