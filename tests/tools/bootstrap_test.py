import os
import subprocess
import time
import unittest

from workshop import REPOSITORY, WorkshopTest

# "what this machine lacks" is played by stubs put before the real commands.
NOTHING_INSTALLED = "#!/bin/sh\nexit 1\n"
MUST_NOT_RUN = '#!/bin/sh\necho "must not run: $0 $*"\nexit 99\n'
HASH = "sha512-" + "A" * 86 + "=="


class Bootstrap(WorkshopTest):
    tools = ("tools/bootstrap.sh", "tools/pypi_fetch.py", "deps.lock")

    def setUp(self):
        super().setUp()
        self.stub("apt-get", MUST_NOT_RUN)

    def stub(self, name, text):
        self.write(f"stubs/{name}", text, executable=True)

    def bootstrap(self, *arguments, **options):
        path = f"{self.root}/stubs:{os.environ['PATH']}"
        return self.run_tool("tools/bootstrap.sh", *arguments, environment={"PATH": path},
                             stdin=subprocess.DEVNULL, **options)

    def test_is_quick_when_nothing_is_missing(self):
        (self.root / ".deps").symlink_to(REPOSITORY / ".deps")
        self.stub("npm", MUST_NOT_RUN)
        start = time.monotonic()
        self.expect_clean(self.bootstrap("test"))
        self.assertLess(time.monotonic() - start, 2)  # 0.05 s on an idle machine

    def test_a_disk_that_is_full_is_said_before_anything_is_done(self):
        self.stub("dpkg-query", NOTHING_INSTALLED)
        self.stub("df", "#!/bin/sh\necho Avail\necho 1000\n")
        self.expect_fault(self.bootstrap(), "can't set this machine up", "0 GiB free")

    def test_another_system_is_refused(self):
        self.stub("dpkg", "#!/bin/sh\necho arm64\n")
        self.stub("dpkg-query", NOTHING_INSTALLED)
        self.expect_fault(self.bootstrap(), "those of Debian 12 on amd64")

    def test_a_person_without_sudo_is_told_what_to_install(self):
        self.stub("dpkg-query", NOTHING_INSTALLED)
        # As a user, on a PATH that has no sudo on it.
        for name in ("awk", "cut", "xargs", "echo", "dpkg", "df", "tail", "uname", "dirname", "cat", "mkdir"):
            (self.root / "stubs" / name).symlink_to(f"/usr/bin/{name}")
        user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        done = self.run_tool("/bin/bash", "tools/bootstrap.sh", environment={"PATH": f"{self.root}/stubs"}, **user)
        self.expect_fault(done, "neither root nor have sudo", "apt-get install", "libpqxx-dev")

    def test_a_package_with_another_hash_leaves_nothing_behind(self):
        self.write("deps.lock", f"npm  demo  duckdb  @duckdb/node-bindings-linux-x64  1.0  {HASH}  MIT  why\n"
                                f"pypi  demo  duckdb  duckdb  1.0  sha256:{'0' * 64}  MIT  why\n")
        self.stub("npm", '#!/bin/sh\necho bad >"$5/x.tgz"\necho x.tgz\n')
        self.expect_fault(self.bootstrap(), "came with integrity sha512-", f"not {HASH}")
        self.assertEqual(sorted(os.listdir(self.root / ".deps")), [".lock"])

    def test_what_a_killed_run_left_is_swept(self):
        self.test_a_package_with_another_hash_leaves_nothing_behind()
        (self.root / ".deps/.scratch.old").mkdir()
        self.expect_fault(self.bootstrap())
        self.assertFalse((self.root / ".deps/.scratch.old").exists())

    def test_an_unknown_group_is_refused(self):
        self.expect_fault(self.bootstrap("all"), 'unknown group "all"')


if __name__ == "__main__":
    unittest.main()
