import subprocess
import unittest

from workshop import WorkshopTest


class Shard(WorkshopTest):
    tools = ("tools/shard.sh",)

    def setUp(self):
        super().setUp()
        self.write("tools/shards.txt", "# three\nfirst  : echo one\nsecond : echo two: three\nslow : exec sleep 60\n")

    def commit(self, message):
        subprocess.run(["git", "-C", self.root, "-c", "user.name=a", "-c", "user.email=a@b", "commit",
                        "--quiet", "--allow-empty", "-m", message], check=True)

    def test_the_commit_picks_and_all_are_picked_in_time(self):
        self.write("tools/shards.txt", "first : echo one\nsecond : echo two\n")
        seen = set()
        for number in range(40):
            self.commit(str(number))
            done = self.run_tool("tools/shard.sh")
            self.expect_clean(done)
            self.assertEqual(self.run_tool("tools/shard.sh").stdout, done.stdout)
            seen.add(done.stdout)
        self.assertEqual(len(seen), 2)

    def test_one_by_name_with_a_colon_in_its_command(self):
        done = self.run_tool("tools/shard.sh", "second")
        self.assertIn("two: three", done.stdout)

    def test_a_shard_that_takes_too_long_fails(self):
        done = self.run_tool("tools/shard.sh", "slow", environment={"MILLRACE_SHARD_SECONDS": "0.2"})
        self.expect_fault(done, "slow: took more than 0.2 s")

    def test_a_failure_inside_all_fails(self):
        self.write("tools/shards.txt", "bad : false\ngood : echo fine\n")
        self.expect_fault(self.run_tool("tools/shard.sh", "--all"))

    def test_an_unknown_name(self):
        self.expect_fault(self.run_tool("tools/shard.sh", "third"), 'no shard "third"')


if __name__ == "__main__":
    unittest.main()
