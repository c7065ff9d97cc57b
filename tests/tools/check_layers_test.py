import unittest

from workshop import WorkshopTest


class CheckLayers(WorkshopTest):
    tools = ("tools/check_layers.py", "tools/layers.txt")

    def check(self, *arguments):
        return self.run_tool("tools/check_layers.py", *arguments)

    def test_allowed_includes_pass(self):
        self.write("scheduler/core/a.h", '#include <vector>\n#include "base/id.h"\n#include "scheduler/core/b.h"\n')
        self.write("scheduler/store/a.cpp", '#include <pqxx/pqxx>\n#include "millrace/log/v1alpha1/log.pb.h"\n')
        self.write("scheduler/core/a_test.cpp", "#include <gtest/gtest.h>\n#include <unistd.h>\n")
        self.expect_clean(self.check())

    def test_an_include_up_the_layers_is_named_with_its_line(self):
        self.write("scheduler/core/a.cpp", '#include <vector>\n\n#include "scheduler/store/store.h"\n')
        self.expect_fault(self.check(), "scheduler/core/a.cpp:3:", "may not include scheduler/store")

    def test_a_library_outside_its_adapter(self):
        for header, name in {"pqxx/pqxx": "pqxx", "unistd.h": "posix", "boost/asio.hpp": "asio",
                             "fmt/format.h": "<fmt/format.h>", "google/protobuf/message.h": "protobuf"}.items():
            self.write("scheduler/core/a.h", f"#  include <{header}>\n")
            self.expect_fault(self.check(), f"may not include {name} ")

    def test_generated_messages_stay_out_of_core(self):
        self.write("scheduler/core/a.h", '#include "millrace/log/v1alpha1/log.pb.h"\n')
        self.expect_fault(self.check(), "may not include proto ")

    def test_a_subfolder_follows_its_folder(self):
        self.write("scheduler/core/placement/a.h", '#include "catalog/catalog.h"\n')
        self.expect_fault(self.check(), "scheduler/core may not include catalog")

    def test_a_folder_without_a_row(self):
        self.write("helpers/a.h", "#include <vector>\n")
        self.expect_fault(self.check(), "helpers/a.h: no row")

    def test_the_table_for_the_documentation(self):
        done = self.check("--table")
        self.expect_clean(done)
        self.assertIn("| `scheduler/core/` | std, base |", done.stdout)


if __name__ == "__main__":
    unittest.main()
