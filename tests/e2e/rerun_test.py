#!/usr/bin/env python3
"""`millrace retry` with the real programs: what succeeded is taken over with its outputs and its snapshot, also
through a killed scheduler; nothing is committed twice."""
import json
import pathlib
import tempfile
import unittest

from stack import Stack

WORKFLOW = """apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {{name: again}}
spec:
  parameters:
  - {{name: least, integer: {{default: 1}}}}
  tasks:
  - name: seven
    command: {{argv: [/bin/sh, -c, "echo -n 7 > $MILLRACE_OUTPUTS/kept"]}}
    outputs: [{{name: kept, integer: {{}}}}]
  - name: load
    ingest: {{from: {{url: "file://{data}/numbers.csv", csv: {{}}}}, into: {{dataset: numbers, mode: Append}}}}
  - name: check
    dependsOn: [load]
    command: {{argv: [/bin/sh, -c, 'test "$1" = 7 && test -e "$2"', check, "${{{{tasks.seven.outputs.kept}}}}",
                     "{data}/ready"]}}
  - name: pick
    dependsOn: [check]
    query: {{sql: SELECT count(*) AS n FROM numbers WHERE a >= $least, into: {{dataset: picked}}}}
  - name: hand_on
    deliver: {{dataset: picked, to: {{objectStore: {{url: "file://{out}/picked", csv: {{}}}}}}}}
"""


class Rerun(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-rerun-")
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name)
        (self.data / "numbers.csv").write_text("a\n1\n2\n3\n")

    def failed_run(self, stack):
        done = stack.call("run", "again", "--wait", check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stdout.split()[0]

    def delivered(self, stack):
        files = sorted((stack.out / "picked").rglob("*.csv"))
        return files[-1].read_text().split() if files else []

    def taken_over(self, stack, run):
        return sorted(name for name, task in stack.tasks(run).items() if task.get("takenOver"))

    def test_a_run_goes_on_from_what_failed(self):
        with Stack(data=self.data) as stack:
            manifest = stack.root / "again.yaml"
            manifest.write_text(WORKFLOW.format(data=self.data, out=stack.out))
            stack.call("apply", "-f", manifest)
            origin = self.failed_run(stack)
            other = self.failed_run(stack)  # appends three rows more, which the rerun is not to see
            early = stack.call("retry", "nobody", check=False)
            self.assertEqual(early.returncode, 4, early.stderr)

            (self.data / "ready").touch()
            rerun = stack.call("retry", origin).stdout.strip()
            stack.kill(stack.pid("scheduler"))
            stack.up()
            waited = stack.call("wait", rerun, "--timeout", "60s", check=False)
            self.assertEqual(waited.returncode, 0, waited.stderr + stack.logs())
            self.assertEqual(self.taken_over(stack, rerun), ["load", "seven"])
            self.assertEqual(self.delivered(stack), ["n", "3"])
            run = stack.json("get", "runs", rerun)
            self.assertEqual(run["status"]["rerunOf"]["name"], origin)

            # Of the appended rows each run has its own, and the rerun none.
            snapshots = stack.json("get", "snapshots", "numbers")["items"]
            self.assertEqual(sorted(snapshot["run"] for snapshot in snapshots), sorted([origin, other]))

            nothing = stack.call("retry", rerun, check=False)
            self.assertEqual(nothing.returncode, 5, nothing.stderr)
            unknown = stack.call("retry", rerun, "--task", "pik", check=False)
            self.assertEqual(unknown.returncode, 3, unknown.stderr)
            self.assertIn("Did you mean pick?", unknown.stderr)

            # A parameter that a query sees; a rerun of a rerun.
            changed = stack.call("retry", rerun, "-p", "least=3", "--wait").stdout.split()[0]
            self.assertEqual(self.taken_over(stack, changed), ["check", "load", "seven"])
            self.assertEqual(self.delivered(stack), ["n", "1"])

            # To append once more has to be asked for.
            again = stack.call("retry", origin, "--task", "load", "--wait")
            snapshots = stack.json("get", "snapshots", "numbers")["items"]
            self.assertEqual(snapshots[0]["run"], again.stdout.split()[0])

    def test_attempts_that_ended_name_their_worker_and_logs_pass_over_what_is_not_there(self):
        with Stack(data=self.data) as stack:
            (self.data / "ready").touch()
            manifest = stack.root / "again.yaml"
            manifest.write_text(WORKFLOW.format(data=self.data, out=stack.out))
            stack.call("apply", "-f", manifest)
            run = stack.call("run", "again", "--wait").stdout.split()[0]
            attempts = json.loads(stack.call("explain", "task", f"{run}/hand_on", "-o", "json").stdout)["attempts"]
            self.assertEqual([attempt["phase"] for attempt in attempts], ["Execute", "Publish"])
            for attempt in attempts:
                self.assertTrue(attempt["worker"])
                self.assertNotEqual(attempt["worker"], attempt["workerId"])
            logs = stack.call("logs", run)
            self.assertNotIn("error", logs.stderr)
            # What GET shows may be applied again; once it is stale, it is refused.
            shown = stack.root / "shown.yaml"
            shown.write_text(stack.call("get", "workflows", "again", "-o", "yaml").stdout)
            stack.call("apply", "-f", shown)
            manifest.write_text(manifest.read_text().replace("default: 1", "default: 2"))
            stack.call("apply", "-f", manifest)
            stale = stack.call("apply", "-f", shown, check=False)
            self.assertEqual(stale.returncode, 5, stale.stderr)


if __name__ == "__main__":
    unittest.main()
