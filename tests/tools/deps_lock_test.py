import re
import sys
import unittest

from workshop import REPOSITORY, WorkshopTest

sys.path.insert(0, str(REPOSITORY / "tools"))
import deps_docs  # noqa: E402


class DepsLock(WorkshopTest):
    tools = ("tools/deps_docs.py", "deps.lock")

    def setUp(self):
        super().setUp()
        self.lock = (self.root / "deps.lock").read_text()

    def test_ours_is_well_formed_and_names_no_host(self):
        self.assertGreater(len(deps_docs.read_lock(self.lock)), 30)
        self.assertIsNone(re.search(r"://|\.(org|com|io)/", self.lock.replace("# ", "")))

    def test_every_part_is_made_by_bootstrap(self):
        bootstrap = (REPOSITORY / "tools/bootstrap.sh").read_text()
        parts = {row["part"].rpartition("/")[2] for row in deps_docs.read_lock(self.lock)} - {"-", "node"}
        for part in parts:
            self.assertIn(f"\nmake_{part}() {{", bootstrap)

    def test_bad_rows_are_named(self):
        for row in ("apt  demo  -  x  1  -  MIT",
                    "gem  demo  -  x  1  -  MIT  why",
                    "pypi  demo  arrow  x  1  sha256:12  MIT  why",
                    "npm  demo  duckdb  x  1  -  MIT  why",
                    "apt  demo  -  cmake  3  -  MIT  twice"):
            with self.subTest(row), self.assertRaises(ValueError):
                deps_docs.read_lock(f"{self.lock}\n{row}\n")

    def test_a_stale_page_is_named(self):
        (self.root / "docs").mkdir()
        self.expect_clean(self.run_tool("tools/deps_docs.py"))
        self.expect_clean(self.run_tool("tools/deps_docs.py", "--check"))
        self.write("deps.lock", self.lock.replace("BSD-3-Clause", "MIT", 1))
        self.expect_fault(self.run_tool("tools/deps_docs.py", "--check"), "THIRD_PARTY_NOTICES.md is stale")


if __name__ == "__main__":
    unittest.main()
