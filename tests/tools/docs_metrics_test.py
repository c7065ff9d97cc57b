"""docs/operating.md lists every metric that the sources register, and no other."""
import pathlib
import re
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
# Names as the sources write them; other texts in quotes begin so as well, but are no metric's.
METRIC = re.compile(r"(?:gauge|counter|histogram)\(\s*registry,\s*\"(millrace_\w+)\"|\.Name\(\s*\"(millrace_\w+)\"\)")


def registered():
    names = set()
    for path in REPOSITORY.glob("*/**/*.cpp"):
        if path.relative_to(REPOSITORY).parts[0] not in ("build", "tests", "bench"):
            names |= {first or second for first, second in METRIC.findall(path.read_text())}
    return names


class Metrics(unittest.TestCase):
    def test_the_page_has_a_row_for_each(self):
        page = (REPOSITORY / "docs/operating.md").read_text()
        rows = re.findall(r"^\| `(millrace_\w+)` \|", page, re.MULTILINE)
        self.assertEqual(sorted(rows), sorted(registered()))
        self.assertGreater(len(rows), 10)


if __name__ == "__main__":
    unittest.main()
