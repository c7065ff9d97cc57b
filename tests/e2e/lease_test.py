#!/usr/bin/env python3
"""Leases, with the real programs: workers that fall silent and come back, or never come back.

Two workers share a stack. One is stopped with SIGSTOP for twice its lease, at a moment of the test's choice,
while the other takes over; then it goes on. What it still says or does with its old epoch must change
nothing, and what it ran must have ended when the lease passed. MILLRACE_ROUNDS is how often (once at each
place; 50 times in the long run); each round is of the next kind. What is asserted is order and outcome, and
the scheduler's own count of a lease; other times are printed.
"""
import datetime
import json
import os
import pathlib
import signal
import statistics
import tempfile
import time
import unittest

from failpoints import Stops
from stack import Stack, lives, parent, program, until

ROWS = 1000
LATE_DATA = ("runner.before_result", "upload.before_fsync", "upload.after_fsync")
LATE_PUBLICATION = ("publish.before_lock", "publish.before_move", "publish.after_move", "publish.after_manifest")
# The kinds of rounds, methods of Stopped, at each failpoint of theirs.
KINDS = [("silent_command", None), ("late_success", None)]
KINDS += [("late_data", failpoint) for failpoint in LATE_DATA]
KINDS += [("late_publication", failpoint) for failpoint in LATE_PUBLICATION]
ROUNDS = int(os.environ.get("MILLRACE_ROUNDS", len(KINDS)))
HOLD = pathlib.Path(__file__).with_name("hold.sh")
HOLD_SPEC = f"""
  parameters: [{{name: folder, string: {{}}}}]
  tasks:
  - name: hold
    command: {{argv: [/bin/sh, {HOLD}, "${{{{parameters.folder}}}}"]}}
    outputs: [{{name: who, integer: {{}}}}]"""
WORKFLOWS = f"""
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {{name: hold}}
spec:{HOLD_SPEC}
---
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {{name: hold-in-time}}
spec:{HOLD_SPEC}
    attemptTimeout: 1s
---
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {{name: load}}
spec:
  parameters: [{{name: source, string: {{}}}}]
  tasks:
  - name: load
    ingest: {{from: {{url: "${{{{parameters.source}}}}", csv: {{}}}}, into: {{dataset: numbers, mode: Append}}}}
---
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {{name: send}}
spec:
  parameters: [{{name: out, string: {{}}}}]
  tasks:
  - name: send
    deliver: {{dataset: numbers, to: {{objectStore: {{url: "${{{{parameters.out}}}}", csv: {{}}}}}}}}
---
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {{name: sleep}}
spec:
  parameters: [{{name: seconds, string: {{}}}}]
  tasks: [{{name: sleep, command: {{argv: [/bin/sleep, "${{{{parameters.seconds}}}}"]}}}}]
---
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {{name: poison}}
spec:
  tasks: [{{name: poison, command: {{argv: [/bin/sh, -c, "kill -9 $PPID; sleep 60"]}}}}]
"""


def content(folder):
    """All files of a folder tree, but for its lock, with what is in them."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size > 0}


def seconds_of(attempt):
    """From its placement to its end, by the scheduler's own clock."""
    placed, ended = (datetime.datetime.fromisoformat(attempt[key]) for key in ("placedAt", "endedAt"))
    return (ended - placed).total_seconds()


class Stopped(unittest.TestCase):
    """A worker that is stopped for twice its lease, and goes on."""

    LEASE = 0.5

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="millrace-e2e-lease-")))
        self.stops = Stops(self.folder / "armed")
        self.source = self.folder / "numbers.csv"
        self.source.write_text("n\n" + "".join(f"{n}\n" for n in range(ROWS)))
        self.stack = self.enterContext(Stack(data=self.folder, lease=f"{int(self.LEASE * 1000)}ms",
                                             environment=self.stops.environment))
        self.enterContext(self.stops)
        self.stack.start_worker("second")
        self.stack.apply(WORKFLOWS)
        self.loads = 0
        self.gone = []  # seconds from the stop of a worker to the end of what it ran
        self.load()

    def load(self):
        run = self.stack.start("load", source=f"file://{self.source}")
        self.loads += 1
        return run

    def check(self, run, task):
        """The run succeeded, and of the task's attempts the last one alone; that one."""
        self.stack.call("wait", run, "--timeout", "60s", timeout=90)
        attempts = self.stack.attempts(run, task)
        states = [attempt["state"] for attempt in attempts if attempt["phase"] == attempts[-1]["phase"]]
        self.assertEqual(states[:-1], ["Failed"] * (len(states) - 1), attempts)
        self.assertEqual(states[-1], "Succeeded", attempts)
        self.assertGreaterEqual(len(states), 2, "the first attempt was to be lost")
        return attempts[-1]

    def refused(self):
        return self.stack.decisions("lease.fenced") + self.stack.decisions("heartbeat.fenced")

    def stop_for_twice_the_lease(self, worker, meanwhile):
        before = self.refused()
        os.kill(worker, signal.SIGSTOP)
        stopped = time.monotonic()
        meanwhile()
        time.sleep(max(0.0, stopped + 2 * self.LEASE - time.monotonic()))
        return lambda: until(lambda: self.refused() > before, lambda: f"a refusal\n{self.stack.logs()}")

    # --- the kinds of rounds

    def silent_command(self, number, _):
        """The worker alone is stopped: its runner and its command end themselves."""
        self.hold(number, ends_in_time=False)

    def late_success(self, number, _):
        """The command ends well while its worker is stopped: the success is told when it is too late."""
        self.hold(number, ends_in_time=True)

    def hold(self, number, ends_in_time):
        folder = self.folder / f"hold-{number}"
        folder.mkdir()
        run = self.stack.start("hold", folder=folder)
        command = int(until(lambda: (folder / "pid.1").exists() and (folder / "pid.1").read_text(), self.stack.logs))
        runner = parent(command)
        self.assertEqual(program(runner), "millrace-runner")
        worker = parent(runner)

        def meanwhile():
            stopped = time.monotonic()
            if ends_in_time:
                (folder / "go.1").touch()
            else:
                until(lambda: not lives(command) and not lives(runner), "the end of runner and command")
                self.gone.append(time.monotonic() - stopped)
            until((folder / "pid.2").exists, lambda: f"the second attempt\n{self.stack.logs()}")
            self.assertFalse(lives(command), "the second attempt came before the first one's command had ended")
            for attempt in range(2, 10):
                (folder / f"go.{attempt}").touch()

        is_refused = self.stop_for_twice_the_lease(worker, meanwhile)
        os.kill(worker, signal.SIGCONT)
        last = self.check(run, "hold")
        is_refused()
        self.assertEqual(last["outputs"], {"who": last["attempt"]})
        self.assertFalse((folder / "overlap").exists(), "two attempts at once")
        self.assertFalse(lives(runner) and not ends_in_time)

    def late_data(self, _, failpoint):
        """Runner and worker are stopped with all the data written, and nothing told."""
        self.stops.arm(failpoint)
        run = self.load()
        runner = self.stops.wait(failpoint, self.stack.logs)
        worker = parent(runner)
        is_refused = self.stop_for_twice_the_lease(worker, lambda: self.stack.call("wait", run, "--timeout", "60s"))
        self.stops.go_on(runner)  # and so its result, if it still gets there, lies before the worker
        os.kill(worker, signal.SIGCONT)
        self.check(run, "load")
        is_refused()

    def late_publication(self, number, failpoint):
        """Runner and worker are stopped on the way to publish; a newer delivery is in place before they go on."""
        out = self.stack.out / f"sent-{number}"
        self.stops.arm(failpoint)
        run = self.stack.start("send", out=f"file://{out}")
        runner = self.stops.wait(failpoint, self.stack.logs)
        worker = parent(runner)
        before_lock = failpoint == "publish.before_lock"
        newer = []

        def meanwhile():
            # Who stopped with the folder's lock holds up the others until it is gone.
            if before_lock:
                self.stack.call("wait", run, "--timeout", "60s")
                newer.append(self.stack.start("send", out=f"file://{out}"))
                self.stack.call("wait", newer[0], "--timeout", "60s")

        is_refused = self.stop_for_twice_the_lease(worker, meanwhile)
        in_place = content(out)
        self.stops.go_on(runner)
        until(lambda: not lives(runner), "the end of the stale runner")
        if before_lock:
            self.assertEqual(content(out), in_place, "a stale publication changed what a newer one delivered")
        os.kill(worker, signal.SIGCONT)
        self.check(run, "send")
        is_refused()
        manifest = json.loads((out / "manifest.json").read_text())
        self.assertEqual(manifest["rows"], self.loads * ROWS)
        names = sorted(file["name"] for file in manifest["files"])
        self.assertEqual(sorted(path.name for path in out.glob("*.csv")), names, "files beside the delivery's")
        if before_lock:
            self.assertEqual(len(newer), 1)

    def test_what_is_stale_changes_nothing(self):
        self.assertGreaterEqual(ROUNDS, len(KINDS), "each kind of round, at each of its failpoints")
        refused = 0
        for number in range(ROUNDS):
            kind, failpoint = KINDS[number % len(KINDS)]
            with self.subTest(round=number, kind=kind, failpoint=failpoint):
                before = self.refused()
                getattr(self, kind)(number, failpoint)
                refused += self.refused() > before
                snapshots = self.stack.json("get", "snapshots", "numbers")["items"]
                self.assertEqual(len(snapshots), self.loads, "each load counts once")
        print(f"\n{ROUNDS} workers stopped for {2 * self.LEASE} s; something stale refused in {refused} rounds "
              f"(results {self.stack.decisions('lease.fenced')}, heartbeats {self.stack.decisions('heartbeat.fenced')}); "
              f"runner and command gone after {max(self.gone):.2f} s at most, the lease being {self.LEASE} s")
        self.assertEqual(refused, ROUNDS)


class TimedOut(unittest.TestCase):
    """A worker that is stopped with an attempt whose attemptTimeout passes long before its lease does."""

    LEASE = 4

    def test_no_other_attempt_begins_while_a_lease_may_hold_the_one_that_timed_out(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="millrace-e2e-lease-")))
        stack = self.enterContext(Stack(data=folder, lease=f"{self.LEASE}s"))
        stack.start_worker("second")
        stack.apply(WORKFLOWS)
        run = stack.start("hold-in-time", folder=folder)
        command = int(until(lambda: (folder / "pid.1").exists() and (folder / "pid.1").read_text(), stack.logs))
        runner = parent(command)
        worker = parent(runner)
        os.kill(worker, signal.SIGSTOP)
        until(lambda: stack.tasks(run)["hold"]["state"] == "Cancelling", stack.logs)
        self.assertTrue(lives(command), "it ended before anybody could tell it to")
        self.assertEqual([attempt["attempt"] for attempt in stack.attempts(run, "hold")], [1])
        until((folder / "pid.2").exists, lambda: f"the second attempt\n{stack.logs()}")
        self.assertFalse(lives(command) or lives(runner), "the second attempt came before the first one had ended")
        for attempt in range(2, 10):  # the second may time out too, before it is let go
            (folder / f"go.{attempt}").touch()
        stack.call("wait", run, "--timeout", "60s", timeout=90)
        first, *_, last = stack.attempts(run, "hold")
        self.assertGreaterEqual(seconds_of(first), self.LEASE, "given away while its worker still held it")
        self.assertEqual((first["error"]["code"], first["next"]), ("attempt.timed_out", "retry.transient"))
        self.assertEqual(last["state"], "Succeeded")
        self.assertEqual(last["outputs"], {"who": last["attempt"]})
        before = stack.decisions("lease.fenced") + stack.decisions("heartbeat.fenced")
        os.kill(worker, signal.SIGCONT)
        until(lambda: stack.decisions("lease.fenced") + stack.decisions("heartbeat.fenced") > before,
              lambda: f"a refusal\n{stack.logs()}")
        self.assertFalse((folder / "overlap").exists(), "two attempts at once")
        self.assertEqual(stack.attempts(run, "hold")[-1], last)
        print(f"\ntimed out after 1 s, given away after {seconds_of(first):.2f} s, the lease being {self.LEASE} s")


class NeverHeard(unittest.TestCase):
    """A worker that is killed with the attempt in its hands, before its first heartbeat."""

    LEASE = 1.5
    # The engine looks when the lease passes, and takes itself for stalled when it comes later than a heartbeat's
    # interval: then it grants everybody a lease once more.
    TOLERANCE = LEASE / 3
    AT_ONCE = 10  # runs that wait for their leases together

    def test_the_task_is_given_away_when_the_lease_passes(self):
        with Stack(lease=f"{int(self.LEASE * 1000)}ms") as stack:
            stack.apply(WORKFLOWS)
            stack.stop_worker()
            waits, killed = [], 0
            while killed < ROUNDS:
                runs = []
                for _ in range(min(self.AT_ONCE, ROUNDS - killed)):
                    runs.append(stack.start("sleep", seconds=0))
                    self.kill_at_start(stack, killed)
                    killed += 1
                healthy = stack.start_worker("healthy")
                for run in runs:
                    stack.call("wait", run, "--timeout", "60s", timeout=90)
                    *lost, last = stack.attempts(run, "sleep")
                    self.assertEqual(last["state"], "Succeeded")
                    self.assertGreaterEqual(len(lost), 1)
                    for attempt in lost:
                        self.assertEqual(attempt["error"]["code"], "lease.expired", attempt)
                        waits.append(seconds_of(attempt))
                healthy.terminate()
                self.assertEqual(healthy.wait(timeout=60), 0)
            stalls = stack.decisions("loop.stalled")
        print(f"\n{killed} workers killed before their first heartbeat: {len(waits)} attempts given away after "
              f"{min(waits):.3f} to {max(waits):.3f} s (median {statistics.median(waits):.3f}), the lease being {self.LEASE} s; the scheduler stalled {stalls} times")
        self.assertGreaterEqual(min(waits), self.LEASE, "given away while the worker still held it")
        # Its worker was never heard of the attempt: the lease counts from the placement.
        self.assertLessEqual(max(waits), self.LEASE * (1 + stalls) + self.TOLERANCE, "later than one lease")

    def kill_at_start(self, stack, number):
        passed = stack.root / f"passed-{number}"
        victim = stack.start_worker(f"victim-{number}", {"MILLRACE_FAILPOINT_KILL": "worker.start", "MILLRACE_FAILPOINT_LOG": str(passed)})
        self.assertEqual(victim.wait(timeout=60), -signal.SIGKILL)
        self.assertNotIn("worker.heartbeat", passed.read_text().split())


class Attempts(unittest.TestCase):
    def test_a_task_of_five_leases_runs_once(self):
        lease = 2
        with Stack(lease=f"{lease}s") as stack:
            stack.apply(WORKFLOWS)
            run = stack.start("sleep", seconds=5 * lease)
            stack.call("wait", run, "--timeout", "60s", timeout=90)
            attempts = stack.attempts(run, "sleep")
            self.assertEqual([attempt["state"] for attempt in attempts], ["Succeeded"])
            self.assertGreaterEqual(seconds_of(attempts[0]), 5 * lease)
            print(f"\none attempt of {seconds_of(attempts[0]):.1f} s, the lease being {lease} s")

    def test_a_task_that_takes_its_runner_down_three_times_is_quarantined_while_others_go_on(self):
        with Stack() as stack:
            stack.apply(WORKFLOWS)
            poison = stack.start("poison")
            others = 0
            while stack.tasks(poison)["poison"]["state"] not in ("Failed", "Succeeded"):
                run = stack.start("sleep", seconds=0)
                stack.call("wait", run, "--timeout", "60s", timeout=90)
                self.assertEqual(len(stack.attempts(run, "sleep")), 1, "another task was hit")
                others += 1
            attempts = stack.attempts(poison, "poison")
            self.assertEqual([attempt["error"]["code"] for attempt in attempts], ["runner.crashed"] * 3)
            self.assertEqual(attempts[-1]["next"], "retry.quarantined")
            self.assertEqual(stack.call("wait", poison, check=False).returncode, 1)
            self.assertGreaterEqual(others, 2)
            print(f"\nquarantined after 3 crashes; {others} other runs meanwhile, one attempt each")


if __name__ == "__main__":
    unittest.main(verbosity=2)
