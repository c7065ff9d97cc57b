#!/usr/bin/env python3
"""What the scheduler says of its database when it loses it, and of its leadership; and that it goes on."""
import pathlib
import tempfile
import unittest

from stack import Stack, until

WORKFLOW = """apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {name: one}
spec:
  tasks:
  - name: a
    command: {argv: [/bin/true]}
"""


class StoreLoss(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-store-loss-")
        self.addCleanup(folder.cleanup)
        self.stack = self.enterContext(Stack(data=pathlib.Path(folder.name)))
        self.stack.apply(WORKFLOW)

    def run_one(self):
        done = self.stack.call("run", "one", "--wait", check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + self.stack.logs())

    def ask(self, statement):
        done = self.stack.psql(statement)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout)

    def test_a_lost_connection_is_counted(self):
        self.run_one()
        self.assertEqual(self.stack.metric("millrace_store_lost_connections_total"), 0)
        self.assertEqual(self.stack.metric("millrace_store_connected"), 1)
        ended = self.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                         " WHERE application_name = 'millrace' AND pid <> pg_backend_pid()")
        self.assertGreater(ended, 0, "nothing was lost")
        until(lambda: self.stack.metric("millrace_store_lost_connections_total") == 1, "the loss in the metrics")
        until(lambda: self.stack.metric("millrace_store_connected") == 1, "the connection after it")
        self.run_one()
        self.assertEqual(self.stack.metric("millrace_store_lost_connections_total"), 1)

    def test_a_leader_that_is_elected_again_has_its_workers(self):
        self.run_one()
        for _ in range(5):
            # As if another had led in between.
            before = self.ask("UPDATE millrace.leadership SET leader_epoch = leader_epoch + 1,"
                              " expires_at = clock_timestamp() RETURNING leader_epoch")
            until(lambda before=before: self.ask("SELECT leader_epoch FROM millrace.leadership") > before,
                  "the next leadership")
            until(self.stack.is_ready, "its first word in the log")
            self.run_one()
        self.assertGreaterEqual(self.stack.decisions("leader.stepped_down"), 5)


if __name__ == "__main__":
    unittest.main()
