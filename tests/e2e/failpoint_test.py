#!/usr/bin/env python3
"""The flights workflow, with somebody killed with -9 at each named failpoint on its way: the steps whose order
matters.

Whoever passes the failpoint stops there (base/failpoint.h), and is killed at that step: the scheduler before,
in and after commits and when it takes the lead, writes a checkpoint or talks to workers; workers around what
they say; runners around a result, an upload, a publication. Or Postgres is killed while the scheduler stands
there, or all of them. Then `up` repairs, and the result is that of an undisturbed run, once. All rounds share
a stack. Ends with how often each failpoint was passed.

MILLRACE_VICTIMS=all has everybody killed at every failpoint (the long run).
"""
import collections
import contextlib
import os
import pathlib
import shutil
import signal
import tempfile
import typing
import unittest

import expected_delays
from failpoints import Stops
from stack import DATA, Stack, lives, program, until

ROWS = 20_000  # of flights: enough for every step, and quick
MIN_FLIGHTS = 10
DATASETS = ("flights", "weather", "planes", "delays")


def during_a_run(stack):
    return stack.submit_applied_flights(min_flights=MIN_FLIGHTS)


def with_a_new_leader(stack):
    """No run yet; the scheduler is started again."""
    pid = stack.pid("scheduler")
    stack.kill(pid)
    until(lambda: not lives(pid), "the end of the scheduler")
    stack.starting = stack.begin_up()


def with_many_checkpoints(stack):
    stack.replace_scheduler({}, checkpoint_interval="50ms", checkpoint_batches=2)
    return stack.submit_applied_flights(min_flights=MIN_FLIGHTS)


def who_passes(_, passing):
    return [passing]


def postgres(stack, _):
    return [stack.parts["postgres"]]


def everybody(stack, passing):
    return [passing] + [pid for pid in list(stack.parts.values()) + stack.runners_of(stack.parts["worker"])
                        if pid != passing and lives(pid)]


class Round(typing.NamedTuple):
    failpoint: str
    number: int = 1  # of the pass: early, and in the thick of the run
    victims: typing.Callable = who_passes
    start: typing.Callable = during_a_run


ROUNDS = (
    # The first commit of a run is that of its submission, whose answer is then lost.
    Round("store.before_commit"), Round("store.before_commit", 6),
    Round("store.in_commit"), Round("store.in_commit", 5),
    Round("store.projection", 3),
    Round("store.after_commit"), Round("store.after_commit", 4), Round("store.after_commit", 6),
    Round("store.before_leadership", start=with_a_new_leader),
    Round("store.after_leadership", start=with_a_new_leader),
    Round("store.before_checkpoint", start=with_many_checkpoints),
    Round("store.in_checkpoint", start=with_many_checkpoints),
    Round("store.after_checkpoint", 2, start=with_many_checkpoints),
    Round("dispatch.before_start"), Round("dispatch.before_start", 3),
    Round("dispatch.before_describe"),
    Round("dispatch.after_result"), Round("dispatch.after_result", 3),
    Round("worker.start_received"), Round("worker.start", 2), Round("worker.described"), Round("worker.assigned", 2),
    Round("worker.heartbeat"), Round("worker.runner_succeeded"), Round("worker.before_result"),
    Round("worker.result_acknowledged", 2),
    Round("runner.before_result"), Round("runner.after_result"),
    Round("upload.before_fsync"), Round("upload.after_fsync"),
    Round("publish.before_lock"), Round("publish.before_move"), Round("publish.after_move"),
    Round("publish.after_manifest"),
    # The database goes away around a commit, a projection, a change of leaders.
    Round("store.before_commit", victims=postgres), Round("store.in_commit", 3, victims=postgres),
    Round("store.projection", 2, victims=postgres), Round("store.after_commit", 3, victims=postgres),
    Round("store.before_leadership", victims=postgres, start=with_a_new_leader),
    Round("store.after_leadership", victims=postgres, start=with_a_new_leader),
    Round("store.in_commit", 4, victims=everybody),
)


def all_rounds():
    """Of the long run: each failpoint with each kind of victims."""
    first = {round_.failpoint: round_ for round_ in reversed(ROUNDS) if round_.victims is who_passes}
    return [round_._replace(victims=victims) for round_ in first.values() for victims in (who_passes, postgres, everybody)]


class FlightsStack(Stack):
    """A stack whose processes stop at failpoints, and which counts its runs."""

    def __init__(self, data):
        super().__init__(data=data)
        self.stops = Stops(self.root / "stops")
        self.passed = self.root / "passed"
        self.environment = self.stops.environment | {"MILLRACE_FAILPOINT_LOG": str(self.passed)}
        self.runs = 0
        self.parts = {}
        self.starting = None  # an `up` that was begun

    def __exit__(self, *arguments):
        self.stops.release()
        super().__exit__(*arguments)

    def look(self):
        """Who is who, before anybody is stopped."""
        self.parts = {part: self.pid(part) for part in ("scheduler", "worker", "postgres")}


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
        cls.killed = collections.Counter()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()
        print("\npassed, over all:", *(f"{name} {count}" for name, count in sorted(cls.histogram.items())), sep="\n  ")
        print("killed:", *(f"{name} {count}" for name, count in sorted(cls.killed.items())), sep="\n  ")

    def check_end(self, stack, submission):
        """The run that was submitted, or is now, ends as an undisturbed one does."""
        if stack.starting:
            stack.starting.wait(timeout=120)  # it may well have failed
            stack.starting = None
        stack.up()
        if submission is None:
            submission = stack.submit_applied_flights(min_flights=MIN_FLIGHTS)
        output, _ = submission.communicate(timeout=60)
        self.assertEqual(submission.returncode, 0, output + stack.logs())
        run = output.split()[-1]
        stack.runs += 1
        self.assertEqual(len(stack.json("get", "runs")["items"]), stack.runs, "one submission, one run")
        waited = stack.call("wait", run, "--timeout", "120s", check=False, timeout=180)
        explained = stack.call("explain", "run", run, check=False).stdout
        self.assertEqual(waited.returncode, 0, waited.stderr + explained + stack.logs())
        self.assertEqual(expected_delays.delivered(stack.out / "delays"), self.expected)
        for dataset in DATASETS:
            self.assertEqual(len(stack.json("get", "snapshots", dataset)["items"]), stack.runs, dataset)

    def play(self, stack, round_):
        stack.look()
        stack.stops.arm(round_.failpoint)
        submission = round_.start(stack)
        passing = stack.stops.wait_for_pass(round_.failpoint, round_.number, stack.logs)
        victims = round_.victims(stack, passing)
        for pid in victims:
            self.assertTrue(lives(pid), f"{round_.victims.__name__} to be killed: {pid} is gone")
            self.killed[f"{program(pid)} at {round_.failpoint}"] += 1
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):  # a runner goes when its worker does
                os.kill(pid, signal.SIGKILL)
        if passing not in victims:
            until(lambda: not any(lives(pid) for pid in victims), "the end of the victims")
            stack.stops.go_on(passing)
        self.check_end(stack, submission)

    def test_the_result_is_there_once(self):
        rounds = all_rounds() if os.environ.get("MILLRACE_VICTIMS") == "all" else ROUNDS
        rounds = list(rounds)
        while rounds:
            # After a round that went wrong the others go on with a stack of their own.
            with FlightsStack(self.data) as stack:
                stack.apply_flights()  # now: a scheduler that is to be killed may not live long enough
                went_well = True
                while rounds and went_well:
                    round_ = rounds.pop(0)
                    went_well = False
                    with self.subTest(failpoint=round_.failpoint, number=round_.number, victims=round_.victims.__name__):
                        self.play(stack, round_)
                        went_well = True
                if went_well:
                    with self.subTest(what="nothing is left behind"):
                        stack.check_files()
                self.histogram.update(stack.passed.read_text().split())


if __name__ == "__main__":
    unittest.main(verbosity=2)
