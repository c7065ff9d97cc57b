#!/usr/bin/env python3
"""Each failpoint that the sources name is one where a test kills somebody, and the other way round."""
import pathlib
import tempfile
import unittest

import failpoint_test
import failpoints
import sweep_test

AROUND_COMMIT_AND_LEADERSHIP = {
    "store.before_commit", "store.in_commit", "store.projection", "store.after_commit",
    "store.before_leadership", "store.after_leadership",
}


def killed_at(rounds, victims=failpoint_test.who_passes):
    return {round_.failpoint for round_ in rounds if round_.victims is victims}


class Names(unittest.TestCase):
    def test_who_passes_is_killed_at_every_failpoint_of_the_source(self):
        killed = killed_at(failpoint_test.ROUNDS) | set(sweep_test.FAILPOINTS)
        named = failpoints.in_source()
        self.assertEqual(named - killed, set(), "nobody is killed there: add a round to failpoint_test.py")
        self.assertEqual(killed - named, set(), "no source names it any more")

    def test_postgres_is_killed_around_commit_projection_and_leadership(self):
        killed = killed_at(failpoint_test.ROUNDS, failpoint_test.postgres)
        self.assertEqual(AROUND_COMMIT_AND_LEADERSHIP - killed, set())

    def test_the_long_run_kills_everybody_everywhere(self):
        everywhere = killed_at(failpoint_test.ROUNDS)
        for victims in (failpoint_test.who_passes, failpoint_test.postgres, failpoint_test.everybody):
            self.assertEqual(killed_at(failpoint_test.all_rounds(), victims), everywhere, victims.__name__)

    def test_a_new_name_is_found_and_one_that_is_no_plain_text_refused(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            (folder / "workers").mkdir()
            source = folder / "workers" / "new.cpp"
            source.write_text('void f() { MILLRACE_FAILPOINT("worker.anew"); }\n')
            self.assertEqual(failpoints.in_source(folder), {"worker.anew"})
            for text in ("MILLRACE_FAILPOINT(name);", 'pass_failpoint("worker.aside");'):
                source.write_text(text)
                with self.assertRaisesRegex(AssertionError, "workers/new.cpp: 1 failpoints, and the names of 0"):
                    failpoints.in_source(folder)

    def test_each_is_passed_by_a_known_program(self):
        for name in failpoints.in_source():
            self.assertIn(name.partition(".")[0], failpoints.PROGRAMS, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
