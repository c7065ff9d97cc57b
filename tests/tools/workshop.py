"""A scratch tree with copies of our tools, in which a test plants faults."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent


class WorkshopTest(unittest.TestCase):
    """`self.root` is a git work tree of its own, in a path with a space."""

    tools = ()  # files of the repository to copy

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="millrace tools ")
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name, "a tree")
        self.root.mkdir()
        os.chmod(scratch.name, 0o755)
        subprocess.run(["git", "init", "--quiet", self.root], check=True)
        for name in self.tools:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, self.root / name)

    def write(self, name, text, executable=False):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if executable:
            path.chmod(0o755)
        return path

    def run_tool(self, *command, environment=None, **options):
        """The finished process; its output and errors together in stdout."""
        return subprocess.run([str(part) for part in command], cwd=self.root, env=os.environ | (environment or {}),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)

    def expect_fault(self, done, *texts):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        for text in texts:
            self.assertIn(text, done.stdout)

    def expect_clean(self, done):
        self.assertEqual(done.returncode, 0, done.stdout)
