#!/usr/bin/env python3
"""`millrace logs`, `explain` and REST on attempts at work: each is there from its placement on, its log can be read and
followed while it grows, and who follows is let go when it ends, whatever its run goes on with."""
import os
import pathlib
import selectors
import subprocess
import tempfile
import unittest

from stack import BIN, Stack, until

# Attempt 1 fails when it is told to, attempt 2 then succeeds; the last task keeps the run under way.
WORKFLOW = """apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {{name: talk}}
spec:
  tasks:
  - name: talk
    command:
      argv:
      - /bin/sh
      - -c
      - |
        if test -e {gates}/first; then n=2; else n=1; touch {gates}/first; fi
        echo "begin $n"
        until test -e {gates}/end-$n; do sleep 0.05; done
        echo "end $n"
        printf "no line end"
        test $n = 2
    onError:
    - {{match: {{exitCodes: [1]}}, retry: {{backoff: {{initial: 1ms, max: 1ms}}}}}}
  - name: mute
    command: {{argv: [/bin/sh, -c, "until test -e {gates}/mute; do sleep 0.05; done"]}}
  - name: last
    dependsOn: [talk]
    command: {{argv: [/bin/sh, -c, "until test -e {gates}/last; do sleep 0.05; done"]}}
"""


class Follower:
    """`millrace logs -F`; what it prints is read as it comes."""

    def __init__(self, stack, *words):
        self.process = subprocess.Popen([BIN / "millrace", "--dir", stack.directory, "logs", "-F", *words],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        stack.others.append(self.process)
        self.text = ""

    def read_until(self, needle, limit=60):
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            while needle not in self.text:
                if not ready.select(limit):
                    raise AssertionError(f"no {needle!r} within {limit} s: {self.text!r}")
                piece = os.read(self.process.stdout.fileno(), 65536).decode()
                if not piece:
                    raise AssertionError(f"ended without {needle!r}: {self.text!r}")
                self.text += piece

    def rest(self, limit=60):
        """Exit code and all that was printed, once it has ended by itself."""
        self.text += self.process.communicate(timeout=limit)[0].decode()
        return self.process.returncode, self.text


class Logs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-logs-")
        self.addCleanup(folder.cleanup)
        self.gates = pathlib.Path(folder.name)
        self.gates.chmod(0o755)

    def open_gate(self, name):
        (self.gates / name).touch()

    def test_who_follows_goes_on_with_the_next_scheduler(self):
        with Stack(data=self.gates) as stack:
            stack.apply(WORKFLOW.format(gates=self.gates))
            run = stack.start("talk")
            follower = Follower(stack, f"{run}/talk")
            follower.read_until("begin 1")
            stack.kill(stack.pid("scheduler"))
            follower.read_until("trying again")
            stack.up()
            self.open_gate("end-1")
            code, text = follower.rest()
            self.assertEqual(code, 0, text)
            self.assertEqual(text.count("begin 1"), 1, text)
            self.assertIn("end 1\nno line end", text)
            for gate in ("end-2", "mute", "last"):
                self.open_gate(gate)
            stack.call("wait", run, "--timeout", "60s", timeout=90)

    def test_attempts_at_work_are_shown_and_followed_to_their_end(self):
        with Stack(data=self.gates) as stack:
            self.assertIn("Go on until the attempt ends", stack.call("logs", "--help").stdout)
            stack.apply(WORKFLOW.format(gates=self.gates))
            run = stack.start("talk")
            target = f"{run}/talk"
            self.first_attempt(stack, run, target)
            self.second_attempt(stack, run, target)
            self.one_that_says_nothing(stack, run)
            self.assertEqual(stack.json("get", "runs", run)["status"]["phase"], "Running")
            self.open_gate("last")
            stack.call("wait", run)
            self.assertEqual(Follower(stack, target).rest(), (0, "begin 2\nend 2\nno line end"))

    def first_attempt(self, stack, run, target):
        stack.wait_for_task(run, "talk", ["Running"])
        attempts = stack.attempts(run, "talk")
        self.assertEqual([(attempt["attempt"], attempt["state"]) for attempt in attempts], [(1, "Running")])
        self.assertIn("attempt 1 on local: Running", stack.call("explain", "task", target).stdout)
        self.first = Follower(stack, target)
        self.first.read_until("begin 1\n")
        self.assertEqual(stack.call("logs", target).stdout, "begin 1\n")
        self.assertEqual(stack.call("logs", run).stdout, "begin 1\n")
        self.assertEqual(stack.call("logs", "--attempt", "1", target).stdout, "begin 1\n")

    def second_attempt(self, stack, run, target):
        self.open_gate("end-1")
        self.assertEqual(self.first.rest(), (0, "begin 1\nend 1\nno line end"))
        until(lambda: len(stack.attempts(run, "talk")) == 2, stack.logs)
        second = Follower(stack, target)
        second.read_until("begin 2\n")
        self.assertEqual([attempt["state"] for attempt in stack.attempts(run, "talk")], ["Failed", "Running"])
        self.assertEqual(stack.call("logs", target).stdout, "begin 2\n")
        self.assertEqual(Follower(stack, "--attempt", "1", target).rest(), (0, "begin 1\nend 1\nno line end"))
        self.open_gate("end-2")
        self.assertEqual(second.rest(), (0, "begin 2\nend 2\nno line end"))
        self.assertEqual(Follower(stack, target).rest(), (0, "begin 2\nend 2\nno line end"))

    def one_that_says_nothing(self, stack, run):
        mute = f"{run}/mute"
        stack.wait_for_task(run, "mute", ["Running"])
        follower = Follower(stack, mute)
        self.assertEqual(stack.call("logs", mute).stdout, "")
        self.open_gate("mute")
        self.assertEqual(follower.rest(), (0, ""))
        self.assertEqual(stack.call("logs", mute, check=False).returncode, 4)


if __name__ == "__main__":
    unittest.main()
