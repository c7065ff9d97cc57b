#!/usr/bin/env python3
"""What nobody needs any more goes, with the real programs: snapshots past their retention, what attempts left
behind; also when the scheduler is killed with -9 between any two steps of its sweeping.
"""
import pathlib
import shutil
import tempfile
import unittest

import expected_delays
from failpoints import Stops
from stack import DATA, Stack, lives, until

ROWS = 5_000  # of flights
MIN_FLIGHTS = 10
DATASETS = ("flights", "weather", "planes", "delays")
RETENTION = ("--retention", "1s")
LEASE = "1s"  # a round of sweeping is a lease, and files go two of them after they were found free
FAILPOINTS = (
    "sweep.before_delete", "sweep.in_delete", "sweep.after_delete", "sweep.after_forget",
    "sweep.before_orphans", "sweep.in_orphans",
)


class Sweep(unittest.TestCase):
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

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_flights(self, stack):
        run = stack.start_flights(min_flights=MIN_FLIGHTS)
        stack.call("wait", run, "--timeout", "120s", timeout=180)
        self.assertEqual(expected_delays.delivered(stack.out / "delays"), self.expected)
        return run

    def snapshots(self, stack):
        return {name: len(stack.json("get", "snapshots", name)["items"]) for name in DATASETS}

    def until_the_newest_alone_stay(self, stack):
        until(lambda: set(self.snapshots(stack).values()) == {1},
              lambda: f"all but the newest snapshots expire\n{stack.logs()}", pause=0.1)

    def leave_behind(self, stack):
        """As an attempt does that is killed: files under the prefix of a task that a run had not at all."""
        runs = [path for path in (stack.directory / "data" / "default").iterdir() if path.is_dir()]
        left = max(runs) / "77" / "1" / "orders"
        left.mkdir(parents=True)
        (left / "part-0.parquet").write_bytes(b"x" * 1000)
        return left

    def test_only_the_newest_snapshot_outlives_its_retention(self):
        with Stack(data=self.data, lease=LEASE, flags=RETENTION) as stack:
            self.run_flights(stack)
            before = set(stack.data_files())
            self.run_flights(stack)
            left = self.leave_behind(stack)
            # What was read is held for reruns as long as its snapshots are kept: a second, here.
            self.until_the_newest_alone_stay(stack)
            stack.check_files()
            self.assertFalse(before & set(stack.data_files()), "files of the first run are gone")
            until(lambda: not left.parent.parent.exists(), lambda: f"empty folders go, too\n{stack.logs()}", pause=0.1)
            # Quarantines are datasets, too.
            datasets = len(stack.json("get", "datasets")["items"])
            self.assertEqual(stack.metric("millrace_sweeper_snapshots_expired_total"), datasets)
            self.assertGreaterEqual(stack.metric("millrace_sweeper_files_deleted_total"), len(DATASETS))
            self.assertGreaterEqual(stack.metric("millrace_sweeper_orphans_deleted_total"), 1)
            self.assertEqual(stack.metric("millrace_sweeper_troubled"), 0)
            self.run_flights(stack)

    def test_a_dataset_has_its_own_retention_and_the_settings_stay(self):
        flags = RETENTION + ("--dataset-retention", "flights=1h", "--keep-snapshots", "2")
        with Stack(data=self.data, lease=LEASE, flags=flags) as stack:
            stack.flags = ()
            stack.call("down")
            stack.up()
            for _ in range(4):
                self.run_flights(stack)
            until(lambda: self.snapshots(stack) == {"flights": 4, "weather": 2, "planes": 2, "delays": 2},
                  lambda: f"two of each stay, of flights all\n{stack.logs()}", pause=0.1)
            stack.check_files()

    def test_killed_between_any_two_steps(self):
        stops = Stops(self.enterContext(tempfile.TemporaryDirectory(prefix="millrace-e2e-stops-")))
        with Stack(data=self.data, lease=LEASE, flags=RETENTION, environment=stops.environment) as stack, stops:
            self.run_flights(stack)
            for failpoint in FAILPOINTS:
                with self.subTest(failpoint=failpoint):
                    self.leave_behind(stack)
                    stops.arm(failpoint)
                    self.run_flights(stack)  # what the run before wrote is replaced
                    scheduler = stops.wait(failpoint, stack.logs)
                    self.assertTrue(lives(scheduler), "killed before")
                    stack.kill(scheduler)
                    stack.up()
                    self.until_the_newest_alone_stay(stack)
                    stack.check_files()
            self.run_flights(stack)


if __name__ == "__main__":
    unittest.main(verbosity=2)
