"""A page whose console blocks are wrong is caught; plain commands stand in for millrace here."""
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "docs"))
import console  # noqa: E402


class Console(unittest.TestCase):
    def faults(self, *lines, limit=20):
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder) / "home"
            home.mkdir()
            page = pathlib.Path(folder) / "page.md"
            page.write_text("\n".join(lines) + "\n")
            return console.run_page(page, home, dict(os.environ), limit)

    def assert_right(self, *lines):
        self.assertEqual(self.faults(*lines), [])

    def assert_fault(self, *lines, says, **options):
        faults = self.faults(*lines, **options)
        self.assertEqual(len(faults), 1, "a wrong line went unnoticed")
        self.assertIn(says, faults[0])

    def block(self, *lines):
        return ["```console", *lines, "```"]

    def test_what_is_right_passes(self):
        self.assert_right(*self.block("$ echo one; echo two", "one", "two", "$ true"))

    def test_a_wrong_a_missing_and_one_more_line_are_faults_with_their_place(self):
        self.assert_fault("# Page", *self.block("$ echo one", "won"), says="page.md:3: $ echo one")
        self.assert_fault(*self.block("$ echo one; echo two", "one"), says="+two")
        self.assert_fault(*self.block("$ echo one", "one", "two"), says="-two")
        self.assert_fault(*self.block("$ echo one", "$ echo two", "two"), says="+one")

    def test_errors_count_as_output(self):
        self.assert_fault(*self.block("$ echo oops >&2; echo fine", "fine"), says="+oops")

    def test_a_command_that_fails_is_a_fault_unless_the_page_shows_its_code(self):
        self.assert_fault(*self.block("$ false"), says="exit code 1")
        self.assert_right(*self.block("$ (exit 3)", "$ echo $?", "3"))
        self.assert_fault(*self.block("$ (exit 3)", "$ echo $?", "4"), says="+3")

    def test_a_list_of_commands_shows_nothing_and_must_succeed(self):
        self.assert_right(*self.block("$ echo one", "$ echo two"))
        self.assert_fault(*self.block("$ echo one", "$ nosuchcommand"), says="exit code 127")

    def test_what_varies_is_known_by_its_form_alone(self):
        self.assert_right(*self.block("$ echo 'done in 12ms, 3 KiB, at 2026-01-02T03:04:05Z, http://127.0.0.1:1'",
                                      "done in 1m20s, 1.5 MiB, at 2025-11-02T00:00:00.123Z, http://127.0.0.1:40000"))
        self.assert_right(*self.block("$ printf 'a\\nid: 7.1\\nb\\n'", "a", "id: 12", "b"))
        self.assert_fault(*self.block("$ echo 'done in 12 rows'", "done in 13 rows"), says="+done in 12 rows")
        self.assert_fault(*self.block("$ echo 'done in no time'", "done in 3s"), says="+done in no time")

    def test_names_are_kept_in_mind(self):
        self.assert_right(*self.block("$ echo flights-abcde", "flights-7k2m9", "$ echo again flights-7k2m9",
                                      "again flights-7k2m9"))
        self.assert_fault(*self.block("$ echo flights-abcde", "flights-7k2m9", "$ echo flights-fffff", "flights-7k2m9"),
                          says="+flights-fffff")
        self.assert_fault(*self.block("$ echo flights-abcde", "planes-7k2m9"), says="+flights-abcde")
        self.assert_fault(*self.block("$ echo flights-abcde flights-fffff", "flights-7k2m9 flights-7k2m9"),
                          says="+flights-abcde")

    def test_an_ellipsis_stands_for_any_lines_or_any_part_of_one(self):
        self.assert_right(*self.block("$ seq 9", "1", "…", "8", "9"))
        self.assert_right(*self.block("$ echo from here to there", "from … there"))
        self.assert_fault(*self.block("$ seq 9", "1", "…", "8"), says="+9")

    def test_files_variables_and_home(self):
        self.assert_right("`note.txt`:", "", "```text", "in /home/you", "```", "", *self.block(
            "$ cat note.txt", "in /home/you", "$ word=kept; cd /", "$ echo $word ~ $PWD", "kept /home/you /"))

    def test_a_command_over_several_lines(self):
        self.assert_right(*self.block("$ cat <<end", "> two", "> end", "two"))

    def test_one_that_never_ends_is_a_fault(self):
        self.assert_fault(*self.block("$ echo begun; sleep 60"), says="has not ended", limit=0.3)
        self.assert_fault(*self.block("$ exit 0"), says="has ended the shell", limit=5)


if __name__ == "__main__":
    unittest.main()
