#!/usr/bin/env python3
"""kill -9 of any of the processes, or of all, at any moment of the demo, again and again on one stack.

Each round starts the flights workflow, waits for a drawn part of the time that an undisturbed run takes, kills
the part of the stack that the round is for, starts the stack again with `up`, and wants what an undisturbed run
gives: the right rows, one more snapshot of each dataset, one delivery. A kill counts when it hit a process that
was alive, before the run was over; a round that came too late is played again, sooner.
MILLRACE_KILLS is the number of kills (20), MILLRACE_SEED what they are drawn from; a failure prints both.
"""
import collections
import contextlib
import datetime
import os
import random
import signal
import time
import unittest

import expected_delays
from stack import DATA, Stack, lives, program, until

MIN_FLIGHTS = 100
DATASETS = ("flights", "weather", "planes", "delays")
# Parts of the stack and what runs there.
PARTS = {"scheduler": "millrace-scheduler", "worker": "millrace-worker", "postgres": "postgres"}
RUNNER = "millrace-runner"
KINDS = ("scheduler", "worker", "postgres", "runner", "all")


def time_of(run, what):
    return datetime.datetime.fromisoformat(run["status"][what]).timestamp()


class KillAtRandom(unittest.TestCase):
    def setUp(self):
        self.seed = int(os.environ.get("MILLRACE_SEED", str(random.randrange(1 << 32))))
        self.draw = random.Random(self.seed)
        self.expected = expected_delays.expected(DATA, MIN_FLIGHTS)
        self.stack = self.enterContext(Stack())
        self.runs = 0
        self.hit = collections.Counter()

    def victims(self, kind):
        """Who is to be killed, with the name of what each runs."""
        parts = {part: self.stack.pid(part) for part in PARTS}
        runners = until(lambda: self.stack.runners_of(parts["worker"]), lambda: "a runner\n" + self.stack.logs())
        self.draw.shuffle(runners)
        if kind == "runner":
            return [(runners[0], RUNNER)]
        if kind == "all":
            return [(parts[part], PARTS[part]) for part in PARTS] + [(runner, RUNNER) for runner in runners]
        return [(parts[kind], PARTS[kind])]

    def check(self, run):
        """That it ended as an undisturbed one does; what the scheduler says of it."""
        self.runs += 1
        waited = self.stack.call("wait", run, "--timeout", "120s", check=False, timeout=180)
        explained = self.stack.call("explain", "run", run, check=False).stdout
        self.assertEqual(waited.returncode, 0, waited.stderr + explained + self.stack.logs())
        self.assertEqual(expected_delays.delivered(self.stack.out / "delays"), self.expected)
        for dataset in DATASETS:
            snapshots = self.stack.json("get", "snapshots", dataset)["items"]
            self.assertEqual(len(snapshots), self.runs, f"{dataset}: {snapshots}")
        return next(item for item in self.stack.json("get", "runs")["items"] if item["metadata"]["name"] == run)

    def play(self, kind, wait):
        """Whether the kill came before the run's end."""
        victims = self.victims(kind)
        run = self.stack.start_flights(min_flights=MIN_FLIGHTS)
        time.sleep(wait)
        for pid, name in victims:
            self.assertEqual((program(pid), lives(pid)), (name, True), f"{kind} to be killed")
        killed = time.time()
        for pid, _ in victims:
            with contextlib.suppress(ProcessLookupError):  # a runner goes when its worker does
                os.kill(pid, signal.SIGKILL)
        self.stack.up()
        in_time = killed < time_of(self.check(run), "finishedAt")
        self.hit[kind] += in_time
        return in_time

    def test_the_data_is_there_once(self):
        kills = int(os.environ.get("MILLRACE_KILLS", "20"))
        deck = [KINDS[number % len(KINDS)] for number in range(kills)]
        self.draw.shuffle(deck)
        undisturbed = self.check(self.stack.start_flights(min_flights=MIN_FLIGHTS))
        longest = time_of(undisturbed, "finishedAt") - time_of(undisturbed, "startedAt")
        for number, kind in enumerate(deck, 1):
            wait = self.draw.uniform(0, longest)
            with self.subTest(seed=self.seed, round=number, kill=kind, wait=wait):
                while True:
                    print(f"seed {self.seed}, round {number}: {kind} after {wait:.2f} s", flush=True)
                    if self.play(kind, wait):
                        break
                    self.assertGreater(wait, 0.001, "the run was over whenever the kill came")
                    wait /= 2
        with self.subTest(seed=self.seed, what="nothing is left behind"):
            self.stack.check_files()
        print(f"killed while a run was under way, of {self.runs} runs:", dict(self.hit))


if __name__ == "__main__":
    unittest.main(verbosity=2)
