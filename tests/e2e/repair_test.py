#!/usr/bin/env python3
"""`millrace up` after what cut an earlier one short, or took a file from a living stack; and what it refuses."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from stack import BIN, Stack, lives, until

PARTS = ("postgres", "scheduler", "worker")
QUICK = """
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {name: quick}
spec: {tasks: [{name: t, command: {argv: [/bin/true]}}]}
"""


def pids(stack):
    return {part: stack.pid(part) for part in PARTS}


class Fresh(Stack):
    """A stack that is not up yet, and whose runtime folder is its own."""

    def __enter__(self):
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="millrace-run-"))
        self.environment = {"XDG_RUNTIME_DIR": str(self.runtime)}
        return self

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.runtime, ignore_errors=True)


class CutShort(unittest.TestCase):
    def test_what_was_in_the_way_once_is_not_so_for_good(self):
        with Fresh() as stack:
            self.assertEqual(stack.up().returncode, 0)
            sockets = next(stack.runtime.iterdir())
            stack.call("down", "--purge")
            self.assertFalse(stack.directory.exists())
            sockets.write_text("a file")
            refused = stack.up(check=False)
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn(str(sockets), refused.stderr)
            sockets.unlink()
            stack.up()
            self.assertNotIn(None, pids(stack).values())

    def test_two_at_once_make_a_fresh_stack_together(self):
        with Fresh() as stack:
            said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            both = [stack.begin_up(**said) for _ in range(2)]
            for one in both:
                output, _ = one.communicate(timeout=120)
                self.assertEqual(one.returncode, 0, output)

    def test_a_first_up_that_is_killed_is_ended_by_the_next(self):
        # Wherever it had come to: among the folders, at the tokens, within initdb.
        for reached in ("up.lock", "logs", "tokens/worker", "postgres/data.new"):
            with self.subTest(reached), Fresh() as stack:
                with stack.begin_up() as first:
                    until((stack.directory / reached).exists, reached, pause=0.0005)
                    first.kill()
                stack.up()
                stack.call("down", "--purge")
                self.assertFalse(stack.directory.exists())


class LostFiles(unittest.TestCase):
    def works(self, stack):
        stack.call("get", "workflows")
        run = stack.start("quick")
        stack.call("wait", run, "--timeout", "60s")

    def test_tokens_that_were_lost_emptied_or_changed_are_told_to_all(self):
        with Stack() as stack:
            stack.apply(QUICK)
            self.works(stack)
            tokens = stack.directory / "tokens"
            remedy = "`millrace up` makes it anew."
            for name, what, told in (("api", lambda token: token.unlink(), remedy),
                                     ("api", lambda token: token.write_text(""), remedy),
                                     ("api", lambda token: token.write_text("f" * 64 + "\n"), "token"),
                                     ("worker", lambda token: token.unlink(), "")):
                before = pids(stack)
                what(tokens / name)
                self.assertIn(told, stack.call("get", "runs", check=False).stderr)
                stack.up()
                after = pids(stack)
                self.assertEqual((tokens / name).stat().st_mode & 0o777, 0o600)
                self.assertNotEqual(after["scheduler"], before["scheduler"])
                self.assertEqual(after["worker"] == before["worker"], name == "api")
                self.works(stack)
            before = pids(stack)
            stack.up()
            self.assertEqual(pids(stack), before, "what holds the right tokens is left alone")

    def test_a_lost_socket_or_port_file_is_made_anew(self):
        with Fresh() as stack:
            stack.up()
            stack.apply(QUICK)
            url = stack.json("status")["url"]
            (stack.directory / "state" / "scheduler.port").unlink()
            stack.up()
            self.assertEqual(stack.json("status")["url"], url)
            sockets = next(stack.runtime.iterdir())
            shutil.rmtree(sockets)
            worker = stack.pid("worker")
            stack.kill(worker)
            until(lambda: not lives(worker), "the end of the worker")
            said = stack.up().stderr
            self.assertIn("worker.sock\" is gone", said)
            self.works(stack)
            shutil.rmtree(stack.runtime)  # as at a logout: the folders move to /tmp
            stack.up()
            self.works(stack)


class Refused(unittest.TestCase):
    def test_a_wrong_setting_stops_nothing_and_is_not_kept(self):
        with Stack() as stack:
            before = pids(stack)
            for flags in (("--lease", "banana"), ("--lease", "0s"), ("--retention", "7x"), ("--retention", "-1"),
                          ("--dataset-retention", "foo"), ("--dataset-retention", "foo=0s")):
                refused = stack.call("up", *flags, check=False)
                self.assertEqual(refused.returncode, 3, refused.stderr)
                self.assertIn(f"error: {flags[0]}: \"", refused.stderr)
                self.assertEqual(len(refused.stderr.splitlines()), 1, refused.stderr)
                self.assertEqual(pids(stack), before)
            self.assertEqual(stack.call("up", "--timeout", "0s", check=False).returncode, 2)
            stack.call("up")
            self.assertEqual(pids(stack), before)

    def test_files_where_folders_belong(self):
        with Fresh() as stack:
            file = stack.root / "file"
            file.write_text("x")

            def refused(directory):
                done = subprocess.run([BIN / "millrace", "--dir", directory, "up"], capture_output=True, text=True,
                                      check=False, env=os.environ | stack.environment)
                self.assertEqual(done.returncode, 3, done.stderr)
                return done.stderr

            self.assertIn(f"\"{file}\" is a file. Choose", refused(file / "below" / "it"))

            stack.up()
            stack.call("down")
            logs = stack.directory / "logs"
            shutil.rmtree(logs)
            logs.write_text("x")
            self.assertIn(f"\"{logs}\" is no folder. Move it away", refused(stack.directory))
            logs.unlink()

            stack.up()
            socket = next(stack.runtime.iterdir()) / "worker.sock"
            stack.kill(stack.pid("scheduler"), signal.SIGKILL)
            until(lambda: stack.pid("scheduler") is None, "the end of the scheduler")
            socket.unlink()
            socket.mkdir()
            self.assertIn(f"\"{socket}\" is no socket. Move it away", refused(stack.directory))
            socket.rmdir()
            stack.up()


if __name__ == "__main__":
    unittest.main(verbosity=2)
