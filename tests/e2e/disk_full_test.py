#!/usr/bin/env python3
"""Disks that are full: that of the data, of the spilled rows, of a delivery, of Postgres.

Each lies on a small file system of its own, which the test fills and empties again. A task that finds no room
fails with disk.full and a hint, leaves nothing half done and nothing in the way, and is tried again; when there
is room, it goes on. A scheduler whose Postgres has no room is not ready, says why, and goes on likewise.
"""
import json
import pathlib
import random
import tempfile
import unittest

import small_disk
from small_disk import MEBIBYTE, NoControlGroups, SmallDisk
from stack import Stack, until

ROWS = 60_000
WORKFLOWS = """
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {name: load}
spec:
  parameters: [{name: source, string: {}}]
  tasks:
  - name: load
    ingest: {from: {url: "${{parameters.source}}", csv: {}}, into: {dataset: words, mode: Append}}
---
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {name: sort}
spec:
  tasks:
  - name: sort
    resources: {hint: {memory: 256Mi, disk: 400Mi}}
    query:
      sql: "SELECT count(*) AS n, max(place) AS last FROM (SELECT row_number() OVER (ORDER BY md5(w.word || r.r)) AS place
            FROM words w, range(16) r(r))"
      into: {dataset: sorted}
---
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {name: send}
spec:
  parameters: [{name: out, string: {}}]
  tasks:
  - name: send
    deliver: {dataset: words, to: {objectStore: {url: "${{parameters.out}}", csv: {}}}}
---
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {name: nothing}
spec:
  tasks: [{name: nothing, command: {argv: [/bin/true]}}]
"""


def files(folder):
    return sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file() and path.name != "ballast")


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="millrace-e2e-disk-")))
        self.folder.chmod(0o755)
        self.source = self.folder / "words.csv"
        draw = random.Random(1)
        with open(self.source, "w") as source:
            source.write("word\n")
            for _ in range(ROWS):
                source.write(f"{draw.getrandbits(256):064x}\n")  # nothing that compresses well
        self.stack = self.enterContext(Stack(data=self.folder))
        self.stack.apply(WORKFLOWS)

    def disk(self, folder, mebibytes):
        """The folder of the stack on a disk of its own, the stack up again."""
        self.stack.call("down")
        disk = SmallDisk(folder, mebibytes)
        # Before the stack's folder is removed.
        self.addCleanup(disk.unmount)
        self.addCleanup(self.stack.call, "down", check=False)
        self.stack.up()
        return disk

    def load(self):
        return self.stack.start("load", source=f"file://{self.source}")

    def wait(self, run):
        self.stack.call("wait", run, "--timeout", "180s", timeout=240)

    def failed_for_want_of_room(self, run, task):
        """The task's first failed attempt, which it is tried again after."""
        attempt = until(lambda: [attempt for attempt in self.stack.attempts(run, task) if attempt["state"] == "Failed"],
                        lambda: f"a failed attempt of {task}\n{self.stack.logs()}", limit=120, pause=0.05)[0]
        self.assertEqual(attempt["error"]["code"], "disk.full", attempt)
        self.assertEqual(attempt["error"]["class"], "Resource", attempt)
        self.assertIn("retry.disk_full", json.dumps(attempt))
        explained = self.stack.call("explain", "run", run, check=False).stdout
        self.assertIn("no space left", explained.lower())
        return attempt

    def count(self, dataset):
        return [snapshot["rows"] for snapshot in self.stack.json("get", "snapshots", dataset)["items"]]

    def test_of_the_data(self):
        disk = self.disk(self.stack.directory / "data", 32)
        self.wait(self.load())
        before = files(disk.folder)
        disk.fill(leave=MEBIBYTE)
        run = self.load()
        self.failed_for_want_of_room(run, "load")
        self.assertEqual(len(self.stack.json("get", "snapshots", "words")["items"]), 1, "nothing half done")
        disk.make_room()
        self.wait(run)
        self.assertEqual(len(self.stack.json("get", "snapshots", "words")["items"]), 2)
        # Of the attempts that failed nothing is left, of the one before nothing was harmed.
        after = files(disk.folder)
        self.assertEqual(len(after), 2 * len(before), after)
        send = self.stack.start("send", out=f"file://{self.stack.out}/sent")
        self.wait(send)
        self.assertEqual(json.loads((self.stack.out / "sent" / "manifest.json").read_text())["rows"], 2 * ROWS)

    def test_of_spilled_rows(self):
        self.wait(self.load())
        self.enterContext(NoControlGroups())
        disk = self.disk(self.stack.directory / "scratch", 512)
        disk.fill(leave=8 * MEBIBYTE)
        run = self.stack.start("sort")
        self.failed_for_want_of_room(run, "sort")
        disk.make_room()
        self.wait(run)
        self.assertEqual(len(self.stack.json("get", "snapshots", "sorted")["items"]), 1)
        self.assertEqual([path for path in files(disk.folder) if path.stat().st_size > 0], [], "spilled rows are gone")

    def test_of_a_delivery(self):
        self.wait(self.load())
        disk = self.disk(self.stack.out, 16)
        out = self.stack.out / "sent"
        self.wait(self.stack.start("send", out=f"file://{out}"))
        before = {path: path.read_bytes() for path in files(out)}
        disk.fill(leave=MEBIBYTE)
        run = self.stack.start("send", out=f"file://{out}")
        self.failed_for_want_of_room(run, "send")
        self.assertEqual({path: path.read_bytes() for path in files(out) if ".staging" not in path.parts}, before)
        disk.make_room()
        self.wait(run)
        manifest = json.loads((out / "manifest.json").read_text())
        self.assertEqual((manifest["run"], manifest["rows"]), (self.stack.json("get", "run", run)["metadata"]["uid"], ROWS))
        self.assertFalse((out / ".staging").exists())

    def test_of_postgres(self):
        self.fill_postgres(lambda: None, "postgres.disk_full")

    def test_of_postgres_with_no_room_for_its_log(self):
        self.fill_postgres(self.want_a_new_segment, "postgres.unavailable")

    def want_a_new_segment(self):
        """Postgres can't make the next file of its log, which it panics at."""
        switch = "SELECT pg_switch_wal() FROM (SELECT pg_logical_emit_message(true, 'test', 'x')) m"
        for _ in range(8):  # those that are made ahead are used up first
            if self.stack.psql(switch).returncode != 0:
                return
        self.fail("Postgres still finds room for its log")

    def fill_postgres(self, hurry, code):
        record = json.loads((self.stack.directory / "stack.json").read_text())
        disk = self.disk(record["postgres_directory"], 256)
        acknowledged = [self.stack.start("nothing")]
        disk.fill()
        hurry()

        def submit():
            """A run that was acknowledged; nothing when it was refused or is left unanswered."""
            submission = self.stack.call("run", "nothing", check=False)
            if submission.returncode == 0:
                acknowledged.append(submission.stdout.strip())
            return self.stack.not_ready()

        status, problem = until(submit, lambda: f"a scheduler that is not ready\n{self.stack.logs()}", limit=120)
        self.assertEqual(status, 503)
        self.assertEqual(problem["code"], "store.unavailable")
        print(f"\n{problem['detail']}")
        log = (self.stack.directory / "logs" / "scheduler.log").read_text()
        self.assertIn(f"the database takes nothing; what is to be written waits code={code}", log)
        disk.make_room()
        # Postgres ends where it can't write its own log, and nobody but `up` starts it again.
        if self.stack.pid("postgres") is None:
            print("Postgres ended; started again by `up`")
            self.stack.up()
        until(self.stack.is_ready, lambda: f"a scheduler that is ready\n{self.stack.logs()}")
        self.assertIn("again", (self.stack.directory / "logs" / "scheduler.log").read_text())
        for run in acknowledged:
            self.wait(run)
            self.assertEqual(len(self.stack.attempts(run, "nothing")), 1)
        print(f"{len(acknowledged)} runs acknowledged, before and while the disk was full: all there, each once")


if __name__ == "__main__":
    small_disk.in_own_mounts()
    unittest.main(verbosity=2)
