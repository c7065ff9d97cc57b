#!/usr/bin/env python3
"""kill -9 of any of the processes, or of all, at any moment of the demo, again and again on one stack.

Each round starts the flights workflow, waits a drawn time, kills a drawn part, starts the stack again with
`up`, and wants what an undisturbed run gives: the right rows, one more snapshot of each dataset, one delivery.
MILLRACE_KILLS is the number of rounds (20), MILLRACE_SEED what they are drawn from; a failure prints both.
"""
import os
import random
import time
import unittest

import expected_delays
from stack import DATA, Stack

MIN_FLIGHTS = 100
DATASETS = ("flights", "weather", "planes", "delays")
PARTS = ("scheduler", "worker", "postgres")
LONGEST_WAIT = 2.5  # seconds; an undisturbed run takes about two


def kill_scheduler(stack):
    stack.kill(stack.pid("scheduler"))


def kill_worker(stack):
    stack.kill(stack.pid("worker"))


def kill_postgres(stack):
    stack.kill(stack.pid("postgres"))


def kill_a_runner(stack):
    for runner in stack.runners()[:1]:
        stack.kill(runner)


def kill_all(stack):
    pids = [stack.pid(part) for part in PARTS] + stack.runners()
    for pid in pids:
        stack.kill(pid)


KILLS = (kill_scheduler, kill_worker, kill_postgres, kill_a_runner, kill_all)


class KillAtRandom(unittest.TestCase):
    def test_the_data_is_there_once(self):
        rounds = int(os.environ.get("MILLRACE_KILLS", "20"))
        seed = int(os.environ.get("MILLRACE_SEED", str(random.randrange(1 << 32))))
        draw = random.Random(seed)
        expected = expected_delays.expected(DATA, MIN_FLIGHTS)
        with Stack() as stack:
            for number in range(1, rounds + 1):
                wait, kill = draw.uniform(0, LONGEST_WAIT), draw.choice(KILLS)
                print(f"seed {seed}, round {number}: {kill.__name__} after {wait:.2f} s", flush=True)
                with self.subTest(seed=seed, round=number, kill=kill.__name__, wait=wait):
                    run = stack.start_flights(min_flights=MIN_FLIGHTS)
                    time.sleep(wait)
                    kill(stack)
                    stack.up()
                    waited = stack.call("wait", run, "--timeout", "120s", check=False, timeout=180)
                    explained = stack.call("explain", "run", run, check=False).stdout
                    self.assertEqual(waited.returncode, 0, waited.stderr + explained + stack.logs())
                    self.assertEqual(expected_delays.delivered(stack.out / "delays"), expected)
                    for dataset in DATASETS:
                        snapshots = stack.json("get", "snapshots", dataset)["items"]
                        self.assertEqual(len(snapshots), number, f"{dataset}: {snapshots}")
            with self.subTest(seed=seed, what="nothing is left behind"):
                stack.check_files()


if __name__ == "__main__":
    unittest.main(verbosity=2)
