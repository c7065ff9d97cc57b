"""tools/test.sh: which phases run, what a failing one does, and the row of a whole run. Its tools are stand-ins."""
import re
import unittest

from workshop import WorkshopTest

TOOLS = ("bootstrap.sh", "build.sh", "lint.sh", "demo.sh", "schemathesis.sh", "shard.sh", "test_fresh.sh", "planted_failures.sh",
         "fuzz.sh", "bench.sh")
COUNTING = """#!/bin/sh
while [ $# -gt 0 ]; do
  if [ "$1" = --counts ]; then echo '10 0' >>"$2"; fi
  shift
done
"""


class Phases(WorkshopTest):
    tools = ("tools/test.sh",)

    def setUp(self):
        super().setUp()
        for name in TOOLS:
            self.write(f"tools/{name}", "#!/bin/sh\n", executable=True)
        for name in ("run_tests.py", "sanitize.sh"):
            self.write(f"tools/{name}", COUNTING, executable=True)
        self.write("docs/test-runs.md", "| commit |\n")
        self.write(".gitignore", "ignored\n")
        self.run_tool("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-qm", "a")
        self.run_tool("git", "add", ".")
        self.run_tool("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "b")

    def rows(self):
        return (self.root / "docs/test-runs.md").read_text().splitlines()[1:]

    def test_all_phases_are_counted(self):
        done = self.run_tool("tools/test.sh")
        self.expect_clean(done)
        self.assertRegex(done.stdout, r"\n36 passed, 0 failed\n$")
        self.assertEqual(self.rows(), [])

    def test_a_failing_phase_is_named_and_the_others_still_run(self):
        self.write("tools/lint.sh", "#!/bin/sh\nexit 3\n", executable=True)
        done = self.run_tool("tools/test.sh")
        self.expect_fault(done, "=== lint failed (exit code 3)", "=== schemathesis", "failed: lint\n35 passed, 1 failed")

    def test_nothing_runs_without_a_build(self):
        self.write("tools/build.sh", "#!/bin/sh\nexit 1\n", executable=True)
        done = self.run_tool("tools/test.sh")
        self.expect_fault(done, "failed: build\n1 passed, 1 failed")
        self.assertNotIn("=== tests", done.stdout)

    def test_named_phases_alone(self):
        done = self.run_tool("tools/test.sh", "bootstrap", "lint")
        self.assertEqual(re.findall(r"=== (\w+)", done.stdout), ["bootstrap", "lint"])

    def test_a_whole_run_leaves_its_row(self):
        figures = "settings  load 1.0\nchain, a task      1.04 ms  aim <= 2 ms  p50 1\nno aim      7 ms\nrecovery    42 ms  aim <= 3,000 ms\n"
        self.write("tools/bench.sh", f"#!/bin/sh\ncat <<'END'\n{figures}END\n", executable=True)
        self.run_tool("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "c")
        self.expect_clean(self.run_tool("tools/test.sh", "--full"))
        (row,) = self.rows()
        self.assertRegex(row, r"^\| [0-9a-f]{12} \| \d{4}-\d\d-\d\d \| \d+ cores, \d+ GiB \| 10000 \| bootstrap 0:0\d, "
                              r".*planted 0:0\d, fresh 0:0\d \| chain, a task 1.04 ms; recovery 42 ms \| 50 passed, 0 failed \|$")

    def test_a_failed_whole_run_says_so_in_its_row(self):
        self.write("tools/demo.sh", "#!/bin/sh\nexit 1\n", executable=True)
        self.expect_fault(self.run_tool("tools/test.sh", "--full"), "failed: demo")
        (row,) = self.rows()
        self.assertRegex(row, r"^\| [0-9a-f]{12} and changes \|.*, demo 0:0\d FAILED, .* 1 failed \|$")

    def test_a_part_of_a_whole_run_leaves_none(self):
        self.expect_clean(self.run_tool("tools/test.sh", "--full", "lint"))
        self.assertEqual(self.rows(), [])


if __name__ == "__main__":
    unittest.main()
