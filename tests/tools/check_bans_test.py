import configparser
import unittest

from workshop import REPOSITORY, WorkshopTest

# For every ban: a file and a line that it must catch.
FAULTS = {
    "shell": ("cli/a.cpp", 'int x = std::system("ls");'),
    "unbounded-copy": ("lib/http/a.cpp", 'sprintf(buffer, "%s", name);'),
    "number-without-error": ("manifest/a.cpp", "int x = std::stoi(text);"),
    "throwing-read": ("workers/runtime/a.cpp", "return {std::istreambuf_iterator<char>(file), {}};"),
    "weak-random": ("workers/runtime/a.cpp", "auto x = rand();"),
    "impure-core": ("scheduler/core/a.cpp", "auto now = std::chrono::steady_clock::now();"),
    "hash-order": ("scheduler/engine/a.h", "std::unordered_map<int, int> runs_;"),
    "using-namespace-std": ("cli/a.cpp", "using namespace std;"),
    "console-in-library": ("catalog/a.cpp", "std::cout << 1;"),
    "detached-thread": ("lib/http/a.cpp", "std::thread(run).detach();"),
    "manual-memory": ("workers/kernel/a.cpp", "delete[] buffer;"),
    "hidden-failure": ("lib/http/a.cpp", "catch (...) {}"),
    "skipped-test": ("base/a_test.cpp", "GTEST_SKIP();"),
    "sleep-in-test": ("base/a_test.cpp", "std::this_thread::sleep_for(seconds(1));"),
}
FINE = """
// system("ls") in a comment, and rand() too
/* using namespace std; */
const char* text = "std::cout << rand()";
const char* raw = R"(using namespace std; gets(x))";
using namespace std::literals;
Thing(const Thing&) = delete;
file_system(1); my.system_name(); operand(2);
"""


class CheckBans(WorkshopTest):
    tools = ("tools/check_bans.py", "tools/bans.txt")

    def check(self):
        return self.run_tool("tools/check_bans.py")

    def test_every_ban_has_a_fault_here(self):
        bans = configparser.RawConfigParser()
        bans.read(REPOSITORY / "tools/bans.txt")
        self.assertEqual(set(bans.sections()), set(FAULTS))

    def test_each_fault_is_caught(self):
        for name, (file, line) in FAULTS.items():
            with self.subTest(name):
                path = self.write(file, f"// fine\n{line}\n")
                self.expect_fault(self.check(), f"{file}:2: {name}:", "instead: ")
                path.unlink()

    def test_comments_literals_and_lookalikes_pass(self):
        self.write("catalog/a.cpp", FINE)
        self.expect_clean(self.check())

    def test_impurity_is_banned_in_core_alone(self):
        self.write("workers/runtime/a.cpp", "auto now = std::chrono::steady_clock::now();\n")
        self.expect_clean(self.check())

    def test_a_poll_may_sleep(self):
        self.write("base/a_test.cpp", "  while (!done()) usleep(1000);\n")
        self.expect_clean(self.check())

    def test_an_excuse_names_the_ban_and_a_reason(self):
        self.write("catalog/a.cpp", "std::cerr << 1;  // ban-ok: console-in-library, because the process ends here\n")
        self.expect_clean(self.check())
        self.write("catalog/a.cpp", "std::cerr << 1;  // ban-ok: shell, because\n")
        self.expect_fault(self.check(), "console-in-library")


if __name__ == "__main__":
    unittest.main()
