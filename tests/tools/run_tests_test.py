import json
import unittest

from workshop import WorkshopTest

PASS = {"name": "passes", "status": "RUN", "result": "COMPLETED"}
FAIL = {"name": "fails", "status": "RUN", "result": "COMPLETED", "failures": [{"failure": "no"}]}
SKIP = {"name": "skips", "status": "RUN", "result": "SKIPPED"}
DISABLED = {"name": "DISABLED_x", "status": "NOTRUN", "result": "SUPPRESSED"}


class RunTests(WorkshopTest):
    tools = ("tools/run_tests.py",)

    def build(self, **programs):
        """A build folder whose programs report these cases; None: no GoogleTest program, which passes."""
        rules = []
        for name, cases in programs.items():
            script = "#!/bin/sh\n"
            if cases is not None:
                report = {"testsuites": [{"name": "Suite", "testsuite": cases}]}
                script += f"cat >\"${{GTEST_OUTPUT#json:}}{name}.json\" <<'END'\n{json.dumps(report)}\nEND\n"
                script += f"exit {int(FAIL in cases)}\n"
            rules.append(f'add_test({name} "{self.write(f"build/{name}", script, executable=True)}")\n')
        self.write("build/CTestTestfile.cmake", "".join(rules))
        return self.run_tool("tools/run_tests.py", "--counts", "counts", "build")

    def counts(self):
        return (self.root / "counts").read_text()

    def test_cases_are_counted(self):
        done = self.build(one=[PASS, PASS], two=None)
        self.expect_clean(done)
        self.assertIn("3 cases passed, 0 failed, 0 skipped, in 2 programs", done.stdout)
        self.assertEqual(self.counts(), "3 0\n")

    def test_a_failed_case_fails(self):
        self.expect_fault(self.build(one=[PASS, FAIL]), "1 cases passed, 1 failed")
        self.assertEqual(self.counts(), "1 1\n")

    def test_a_skipped_case_fails_by_name(self):
        self.expect_fault(self.build(one=[PASS, SKIP]), "one: Suite.skips", "1 skipped")

    def test_a_disabled_case_fails(self):
        self.expect_fault(self.build(one=[PASS, DISABLED]), "one: Suite.DISABLED_x")

    def test_a_program_that_was_not_built_fails(self):
        self.write("build/CTestTestfile.cmake", 'add_test(gone "/no/such/program")\n')
        self.expect_fault(self.run_tool("tools/run_tests.py", "build"), "gone: notrun")

    def test_a_program_that_dies_fails(self):
        path = self.write("build/dies", "#!/bin/sh\nkill -SEGV $$\n", executable=True)
        self.write("build/CTestTestfile.cmake", f'add_test(dies "{path}")\n')
        self.expect_fault(self.run_tool("tools/run_tests.py", "build"), "0 cases passed, 1 failed")

    def test_nothing_to_run_fails(self):
        self.write("build/CTestTestfile.cmake", "")
        self.expect_fault(self.run_tool("tools/run_tests.py", "build"))


if __name__ == "__main__":
    unittest.main()
