import unittest

from workshop import WorkshopTest


class Lint(WorkshopTest):
    tools = ("tools/lint.sh", "tools/check_layers.py", "tools/layers.txt", "tools/check_bans.py", "tools/bans.txt",
             ".clang-format", ".yamllint")

    def setUp(self):
        super().setUp()
        # What is generated is another test's.
        for name in ("generate.py", "deps_docs.py"):
            self.write(f"tools/{name}", "#!/bin/sh\n", executable=True)
        self.write("base/a.h", "// A header.\n#pragma once\n\n#include <vector>\n")
        self.write("tools/a.sh", '#!/bin/sh\necho "$1"\n')
        self.write("a.yaml", "a: true\n")

    def lint(self):
        return self.run_tool("tools/lint.sh", "quick")

    def test_a_clean_tree_passes(self):
        self.expect_clean(self.lint())

    def test_each_fault_is_named_and_all_are_said(self):
        self.write("base/format.h", "int   f( );\n")
        self.write("base/layer.h", '#include "cli/options.h"\n')
        self.write("base/ban.h", "using namespace std;\n")
        self.write("tools/fault.sh", "#!/bin/sh\nrm $1\n")
        self.write("fault.yaml", "a: yes\na: no\n")
        self.write("tools/deps_docs.py", "#!/bin/sh\nexit 1\n", executable=True)
        done = self.lint()
        self.expect_fault(done, "base/format.h", "base/layer.h:1", "base/ban.h:1", "SC2086", "duplication of key",
                          "failed: format layers bans generated shellcheck yamllint")

    def test_a_deleted_file_is_no_fault(self):
        self.run_tool("git", "add", ".")
        (self.root / "a.yaml").unlink()
        (self.root / "base/a.h").unlink()
        self.expect_clean(self.lint())


if __name__ == "__main__":
    unittest.main()
