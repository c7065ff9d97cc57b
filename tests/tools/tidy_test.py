import json
import subprocess
import unittest

from workshop import WorkshopTest

FINE = "int twice(int number) { return number * 2; }\n"
FAULTY = """#include <string>
#include <utility>
std::string twice(std::string text) {
  std::string moved = std::move(text);
  return moved + text;
}
int BadName() { return 1; }
"""


class Tidy(WorkshopTest):
    tools = ("tools/tidy.py", ".clang-tidy")

    def sources(self, **texts):
        commands = [{"directory": str(self.root), "file": str(self.write(f"base/{name}.cpp", text)),
                     "arguments": ["clang++-19", "-std=c++20", "-c", f"base/{name}.cpp"]} for name, text in texts.items()]
        self.write("build/lint/compile_commands.json", json.dumps(commands))

    def commit(self):
        for command in (["add", "base"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
            subprocess.run(["git", "-C", self.root, *command], check=True)

    def test_faults_are_errors(self):
        self.sources(fine=FINE, faulty=FAULTY)
        self.expect_fault(self.run_tool("tools/tidy.py", "--all"), "bugprone-use-after-move", "readability-identifier-naming",
                          "2 files, 1 with problems")

    def test_only_what_changed_is_looked_at(self):
        self.sources(old=FINE, changed=FINE)
        self.commit()
        self.write("base/changed.h", "int f();\n")
        done = self.run_tool("tools/tidy.py", "--changed", "--since", "HEAD")
        self.expect_clean(done)
        self.assertIn("1 files", done.stdout)

    def test_shards_cover_every_file_once(self):
        self.sources(a=FINE, b=FINE, c=FINE, d=FAULTY)
        outputs = [self.run_tool("tools/tidy.py", "--all", "--shard", f"{number}/3") for number in (1, 2, 3)]
        self.assertEqual(sum(int(done.stdout.split("clang-tidy: ")[-1].split()[0]) for done in outputs), 4)
        self.assertEqual(sum(done.returncode for done in outputs), 1)

    def test_what_time_did_not_suffice_for_is_named(self):
        self.sources(a=FINE)
        done = self.run_tool("tools/tidy.py", "--all", "--seconds", "-1")
        self.assertIn("base/a.cpp", done.stdout)


if __name__ == "__main__":
    unittest.main()
