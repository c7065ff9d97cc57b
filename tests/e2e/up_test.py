#!/usr/bin/env python3
"""`millrace up`, `down`, `status` with the real programs: starting, repairing, and what is in the way."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

from stack import BIN, Stack, lives

WORKFLOW = """
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {name: kept}
spec: {tasks: [{name: a, command: {argv: [/bin/true]}}]}
"""
PARTS = ("postgres", "scheduler", "worker")


class Up(unittest.TestCase):
    def pids(self, stack):
        return {part: stack.pid(part) for part in PARTS}

    def seconds_of_a_start(self, stack):
        stack.call("down")
        start = time.monotonic()
        stack.up()
        return time.monotonic() - start

    def test_a_second_up_changes_nothing_and_one_after_down_is_quick(self):
        with Stack() as stack:
            before = self.pids(stack)
            self.assertNotIn(None, before.values())
            stack.up()
            self.assertEqual(self.pids(stack), before)
            url = stack.json("status")["url"]
            stack.call("down")
            self.assertEqual(self.pids(stack), dict.fromkeys(PARTS))
            self.assertEqual([pid for pid in before.values() if lives(pid)], [], "`down` left something")
            # The best of some: something else may be at work beside this.
            self.assertLess(min(self.seconds_of_a_start(stack) for _ in range(3)), 3.0,
                            "the second start is to be ready in 3 s")
            self.assertEqual(stack.json("status")["url"], url, "the address stays")

    def test_each_part_that_died_is_started_again_and_the_others_kept(self):
        with Stack() as stack:
            for dead in PARTS:
                before = self.pids(stack)
                stack.kill(before[dead])
                status = stack.call("status", check=False)
                self.assertEqual(status.returncode, 7, status.stdout)
                stack.up()
                after = self.pids(stack)
                self.assertNotEqual(after[dead], before[dead])
                self.assertNotIn(None, after.values())
                # Postgres alone may take its clients with it.
                kept = [part for part in PARTS if part != dead and dead != "postgres"]
                self.assertEqual({part: after[part] for part in kept}, {part: before[part] for part in kept})

    def test_down_ends_what_is_half_dead(self):
        with Stack() as stack:
            before = self.pids(stack)
            stack.kill(before["worker"], signal.SIGSTOP)
            stack.kill(before["scheduler"])
            stack.call("down", timeout=60)
            self.assertEqual(self.pids(stack), dict.fromkeys(PARTS))

    def test_a_lost_record_of_a_part_does_not_lose_the_part(self):
        with Stack() as stack:
            before = self.pids(stack)
            record = stack.directory / "stack.json"
            content = json.loads(record.read_text())
            content["parts"] = {}  # as an `up` leaves it that is killed right after a start
            record.write_text(json.dumps(content))
            self.assertEqual(self.pids(stack), before)
            stack.call("down")
            self.assertEqual([pid for pid in before.values() if lives(pid)], [])

    def test_two_at_once_make_one_stack(self):
        with Stack() as stack:
            stack.call("down")
            command = [BIN / "millrace", "--dir", stack.directory, "up"]
            both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
            for one in both:
                output, _ = one.communicate(timeout=120)
                self.assertEqual(one.returncode, 0, output)
            self.assert_one_of_each(stack)

    def test_an_up_that_is_killed_on_its_way_is_repaired_by_the_next(self):
        with Stack() as stack:
            for seconds in (0.02, 0.1, 0.3, 0.6, 1.0):
                stack.call("down")
                with subprocess.Popen([BIN / "millrace", "--dir", stack.directory, "up"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
                    time.sleep(seconds)
                    first.kill()
                stack.up()
                self.assert_one_of_each(stack)

    def assert_one_of_each(self, stack):
        for part in ("scheduler", "worker"):
            running = [pid for pid in os.listdir("/proc") if pid.isdigit() and self.belongs(pid, part, stack)]
            self.assertEqual(len(running), 1, part)

    def belongs(self, pid, part, stack):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return words[0].endswith(f"millrace-{part}".encode()) and any(bytes(stack.directory) in word for word in words)

    def test_a_second_stack_works_beside_the_first(self):
        with Stack() as first, Stack() as second:
            self.assertNotEqual(first.json("status")["url"], second.json("status")["url"])
            second.call("down")
            self.assertEqual(first.call("status").returncode, 0)

    def test_what_is_in_the_way_is_named(self):
        with Stack() as stack, socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            refused = stack.call("up", "--port", port, check=False)
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn(f"port {port} of 127.0.0.1 is taken by", refused.stderr)
            self.assertIn(f"process {os.getpid()}", refused.stderr)

            (stack.root / "notes").mkdir()
            (stack.root / "notes" / "thesis.txt").write_text("x")
            refused = subprocess.run([BIN / "millrace", "--dir", stack.root / "notes", "up"], capture_output=True, text=True, check=False)
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn("thesis.txt", refused.stderr)

            refused = stack.call("up", "--allow", stack.root / "nowhere", check=False)
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn("nowhere", refused.stderr)

    def test_other_folders_allowed_restart_the_worker_alone(self):
        with Stack() as stack:
            before = self.pids(stack)
            stack.call("up", "--allow", stack.out, "--lease", stack.lease)
            after = self.pids(stack)
            self.assertNotEqual(after["worker"], before["worker"])
            self.assertEqual(after["scheduler"], before["scheduler"])
            self.assertEqual(stack.json("status")["allowed"], [str(stack.out)])

    def test_a_record_that_is_lost_costs_settings_alone(self):
        with Stack() as stack:
            record = stack.directory / "stack.json"
            before = self.pids(stack)
            record.unlink()
            self.assertEqual(self.pids(stack), before, "`status` finds what runs")
            stack.up()
            self.assertEqual(stack.pid("postgres"), before["postgres"])
            stack.apply(WORKFLOW)
            record.write_text('{"port":')
            damaged = stack.call("status", check=False)
            self.assertEqual(damaged.returncode, 3, damaged.stderr)
            self.assertIn("ove it away: the next `millrace up`", damaged.stderr)
            record.unlink()
            stack.call("down")
            self.assertEqual([pid for pid in before.values() if lives(pid)], [], "`down` left something")
            stack.up()
            self.assertEqual([one["metadata"]["name"] for one in stack.json("get", "workflows")["items"]], ["kept"])
            stack.call("down")
            record.unlink()
            stack.call("down", "--purge")
            self.assertFalse(stack.directory.exists())

    def test_logs_are_json_where_asked_and_stay_so(self):
        with Stack() as stack:
            logs = [stack.directory / "logs" / f"{part}.log" for part in ("scheduler", "worker")]
            before = [len(log.read_bytes()) for log in logs]
            stack.call(*stack.words_of_up(), "--log-format", "json")
            lines = [line for log, size in zip(logs, before) for line in log.read_bytes()[size:].splitlines()]
            started = [json.loads(line)["message"] for line in lines if line.startswith(b"{")]
            self.assertGreaterEqual(started.count("started"), 2, lines)
            running = self.pids(stack)
            stack.up()
            self.assertEqual(self.pids(stack), running, "what stays is no change")
            refused = stack.call("up", "--log-format", "xml", check=False)
            self.assertEqual(refused.returncode, 2, refused.stderr)

    def test_a_down_that_finds_nothing_says_so(self):
        with Stack() as stack:
            stack.call("down")
            self.assertIn("nothing runs in", stack.call("down").stderr)
            stack.call("down", "--purge")
            self.assertIn("there is no stack in", stack.call("down").stderr)

    def test_a_purge_leaves_no_sockets_of_a_long_path(self):
        before = set(pathlib.Path("/tmp").glob("millrace-postgres-*"))
        stack = Stack()
        stack.directory = stack.root / ("d" * 100)
        with stack:
            made = set(pathlib.Path("/tmp").glob("millrace-postgres-*")) - before
            self.assertNotEqual(made, set(), "the path is too short for this test")
            stack.call("down", "--purge")
            self.assertFalse(stack.directory.exists())
            self.assertEqual([folder for folder in made if folder.exists()], [])

    def test_a_scheduler_that_cannot_start_is_shown_with_its_log(self):
        with Stack() as stack:
            stack.call("down")
            token = stack.directory / "tokens" / "api"
            token.chmod(0o644)
            refused = stack.up(check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(str(token), refused.stderr)
            token.chmod(0o600)
            stack.up()


class ExitCodes(unittest.TestCase):
    def test_each(self):
        with Stack() as stack:
            def code(*arguments):
                return stack.call(*arguments, check=False).returncode

            self.assertEqual(code("get", "workflows"), 0)
            self.assertEqual(code("get", "pods"), 2)
            self.assertEqual(code("get", "runs", "nobody"), 4)
            self.assertEqual(code("wait", "nobody", "--timeout", "5s"), 4)
            self.assertEqual(code("run", "nobody"), 4)
            broken = stack.root / "broken.yaml"
            broken.write_text("apiVersion: millrace.io/v1alpha1\nkind: Workflow\nmetadata: {name: x}\nspec: {taskss: []}\n")
            refused = stack.call("apply", "-f", broken, check=False)
            self.assertEqual(refused.returncode, 3)
            self.assertIn(f"{broken}:4:8", refused.stderr)
            self.assertIn("Did you mean tasks?", refused.stderr)
            denied = stack.root / "other-token"
            denied.write_text("0" * 64)
            denied.chmod(0o600)
            refused = stack.call("get", "runs", check=False, env=os.environ | {"MILLRACE_TOKEN_FILE": str(denied)})
            self.assertEqual(refused.returncode, 6, refused.stderr)
            stack.call("down")
            self.assertEqual(code("get", "runs"), 7)

    def test_of_runs(self):
        with Stack() as stack:
            manifest = stack.root / "sleepy.yaml"
            manifest.write_text(
                "apiVersion: millrace.io/v1alpha1\nkind: Workflow\nmetadata: {name: sleepy}\nspec:\n"
                "  parameters: [{name: seconds, string: {}}]\n"
                "  tasks: [{name: nap, command: {argv: [/bin/sleep, '${{parameters.seconds}}']}}]\n")
            stack.call("apply", "-f", manifest)
            self.assertEqual(stack.call("run", "sleepy", "-p", "seconds=0", "--wait", "--timeout", "60s").returncode, 0)
            failing = stack.call("run", "sleepy", "-p", "seconds=no", "--wait", "--timeout", "60s", check=False)
            self.assertEqual(failing.returncode, 1, failing.stderr)
            run = stack.call("run", "sleepy", "-p", "seconds=600").stdout.strip()
            self.assertEqual(stack.call("wait", run, "--timeout", "300ms", check=False).returncode, 9)
            stack.call("cancel", run)
            self.assertEqual(stack.call("wait", run, "--timeout", "60s", check=False).returncode, 8)
            self.assertEqual([attempt["state"] for attempt in stack.attempts(run, "nap")], ["Cancelled"])
            self.assertIn("attempt 1 on local: Cancelled after", stack.call("explain", "task", f"{run}/nap").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
