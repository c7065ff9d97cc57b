#!/usr/bin/env python3
"""What a person sees: `run --watch` and `watch` in a real terminal (tmux) of 80 and of 200 columns, against
golden screens; without colours, without a terminal, and left by Ctrl-C.

MILLRACE_UPDATE_GOLDEN=1 writes testdata/screen_*.golden anew.
"""
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import time
import unittest

from stack import BIN, Stack

GOLDEN = pathlib.Path(__file__).resolve().parent / "testdata"
# Both first tasks are at work until their files are there: every screen is looked at for as long as it takes, and
# nothing happens before somebody looks.
WORKFLOW = """\
apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {name: steps}
spec:
  parameters: [{name: go, string: {}}]
  tasks:
  - name: wait_for_the_word
    command: {argv: [sh, -c, 'until test -e "$1"; do sleep 0.02; done', sh, "${{parameters.go}}"]}
  - {name: report, dependsOn: [wait_for_the_word], command: {argv: [echo, done]}}
  - name: stumble
    command:
      argv: [/usr/bin/../bin/../bin/../bin/../bin/../bin/../bin/sh, -c,
             'until test -e "$1-stumble"; do sleep 0.02; done; exit 3', sh, "${{parameters.go}}"]
  - {name: never, dependsOn: [stumble], command: {argv: [echo, never]}}
"""


class Terminal:
    """A context: a tmux of its own that runs one command and then says `exit CODE`."""

    def __init__(self, columns, lines, command, **environment):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-tmux-")
        variables = {"LANG": "C.UTF-8", "PATH": os.environ["PATH"], "HOME": self.folder.name} | environment
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
        shown = f"env -i TERM=screen-256color {settings} {shlex.join(map(str, command))}; echo exit $?; exec cat"
        shown = f"trap : INT; {shown}"  # Ctrl-C is for the command; this shell tells how it ended
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", lines, "sh", "-c", shown)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")
        self.folder.cleanup()

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-S", f"{self.folder.name}/socket", *map(str, arguments)], check=True,
                              capture_output=True, text=True, env=os.environ | {"LANG": "C.UTF-8"}).stdout

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options).rstrip("\n")

    def wait_for(self, text, limit=30):
        """The screen, as soon as it shows the text."""
        deadline = time.monotonic() + limit
        while text not in (screen := self.screen()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{text!r} does not come up:\n{screen}")
            time.sleep(0.02)
        return screen


def settled(screen):
    """Times and random names taken out, without moving what stands beside them."""
    screen = re.sub(r"steps-[a-z0-9]{5}", "steps-NAME", screen)
    screen = re.sub(r"( +)\d+(?:\.\d+)?m?s$", lambda found: "TIME".rjust(len(found[0])), screen, flags=re.MULTILINE)
    screen = re.sub(r"(\d/\d), \d+(?:\.\d+)?m?s", r"\1, TIME", screen)
    return re.sub(r"(TIME: .{40}).*…$", r"\1…", screen, flags=re.MULTILINE)  # where it is cut depends on the time


class Screen(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()
        cls.stack.__enter__()
        cls.addClassCleanup(cls.stack.__exit__)
        manifest = cls.stack.root / "steps.yaml"
        manifest.write_text(WORKFLOW)
        cls.stack.call("apply", manifest)

    def command(self, *arguments):
        return [BIN / "millrace", "--dir", self.stack.directory, *arguments]

    def run_watched(self, go):
        return self.command("run", "steps", "-p", f"go={go}", "--watch")

    def start(self, go):
        return self.stack.call("run", "steps", "-p", f"go={go}").stdout.strip()

    def word(self, name):
        """The file that a run's first task waits for."""
        return self.stack.root / f"go-{name}"

    def stumble(self, go):
        go.with_name(f"{go.name}-stumble").touch()

    def check_golden(self, name, screens):
        path = GOLDEN / f"screen_{name}.golden"
        text = "".join(f"# {title}\n{settled(screen)}\n" for title, screen in screens)
        if os.environ.get("MILLRACE_UPDATE_GOLDEN"):
            path.write_text(text)
        self.assertEqual(text, path.read_text())

    def test_from_start_to_end_at_80_and_200_columns(self):
        for columns, lines in ((80, 24), (200, 50)):
            with self.subTest(columns=columns):
                go = self.word(columns)
                with Terminal(columns, lines, self.run_watched(go)) as terminal:
                    terminal.wait_for("◐ wait_for_the_word")
                    screens = [("at work", terminal.wait_for("◐ stumble"))]
                    self.stumble(go)
                    screens.append(("in the middle", terminal.wait_for("2/4")))
                    go.touch()
                    screens.append(("at the end", terminal.wait_for("exit 1")))
                    self.check_golden(columns, screens)

    def test_colours_unless_they_are_not_wanted(self):
        run = self.start(self.word("colours"))
        for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
            with Terminal(80, 24, self.command("watch", run), **environment) as terminal:
                terminal.wait_for("◐ wait_for_the_word")
                self.assertEqual("\x1b[3" in terminal.screen("-e"), coloured, environment)
        self.stack.call("cancel", run)

    def test_signs_of_ascii_where_the_terminal_speaks_no_utf_8(self):
        run = self.start(self.word("ascii"))
        with Terminal(80, 24, self.command("watch", run), LANG="C") as terminal:
            terminal.wait_for("> wait_for_the_word")
            self.assertTrue(terminal.screen().isascii())
        self.stack.call("cancel", run)

    def test_ctrl_c_leaves_the_run_going(self):
        go = self.word("ctrl-c")
        with Terminal(80, 24, self.run_watched(go)) as terminal:
            run = re.search(r"steps-[a-z0-9]{5}", terminal.wait_for("◐ wait_for_the_word"))[0]
            terminal.tmux("send-keys", "C-c")
            self.assertIn(f"{run} goes on", terminal.wait_for("exit 130"))
        self.assertEqual(self.stack.json("get", "runs", run)["status"]["phase"], "Running")
        self.stumble(go)
        go.touch()
        self.assertEqual(self.stack.call("wait", run, "--timeout", "60s", check=False).returncode, 1)

    def test_lines_where_there_is_no_terminal(self):
        go = self.word("lines")
        self.stumble(go)
        go.touch()
        for environment in ({}, {"TERM": "xterm-256color"}):
            done = subprocess.run(self.run_watched(go), env={"LANG": "C.UTF-8"} | environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertNotIn("\x1b", done.stdout + done.stderr)
            lines = done.stdout.splitlines()
            self.assertRegex(lines[0], r"^steps-[a-z0-9]{5}$")
            self.assertRegex(lines[-1], r"^steps-[a-z0-9]{5} Failed 4/4, ")
            self.assertTrue([line for line in lines if line.startswith("report Succeeded")], done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
