"""The failpoints of the programs (base/failpoint.h): which there are, and processes that stop at one.

A process that stops itself at a failpoint is killed there, or somebody else is while it stands there: which
moment was hit is then known, and one stack serves for many.
"""
import os
import pathlib
import re
import signal

from stack import SOURCE, lives, program, until

# Failpoints that are no step of the product's: those of benchmarks and of the tests of failpoints themselves.
ELSEWHERE = ("bench", "base")
PROGRAMS = {
    "store": "millrace-scheduler", "dispatch": "millrace-scheduler", "sweep": "millrace-scheduler",
    "worker": "millrace-worker",
    "runner": "millrace-runner", "upload": "millrace-runner", "publish": "millrace-runner",
}


def in_source(folder=SOURCE):
    """The names of all failpoints in the sources; AssertionError where one is passed that has no plain name."""
    names = set()
    for path in sorted(folder.glob("[!.]*/**/*")):
        where = path.relative_to(folder)
        if path.suffix not in (".cpp", ".h") or where.parts[0] in ELSEWHERE or where.parts[0].startswith("build"):
            continue
        text = path.read_text()
        passed = len(re.findall(r"\bMILLRACE_FAILPOINT\s*\(|\bpass_failpoint\s*\(", text))
        named = re.findall(r'\bMILLRACE_FAILPOINT\("([a-z_]+\.[a-z_]+)"\)', text)
        if passed != len(named):
            raise AssertionError(f"{where}: {passed} failpoints, and the names of {len(named)}")
        names.update(named)
    return names


def stands(pid):
    """Whether the process is stopped."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


class Stops:
    """Where processes with `environment` stop, until this context ends: one at each failpoint that is armed."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.environment = {"MILLRACE_FAILPOINT_STOP": str(self.folder)}
        self.standing = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()

    def arm(self, failpoint):
        (self.folder / failpoint).touch()

    def wait(self, failpoint, why=lambda: ""):
        """The process that stopped itself at the failpoint."""
        stopped = until(lambda: list(self.folder.glob(f"{failpoint}.*")),
                        lambda: f"somebody at {failpoint}: is it still on the way?\n{why()}")[0]
        stopped.unlink()
        pid = int(stopped.suffix[1:])
        until(lambda: stands(pid) or not lives(pid), f"the stop of {pid}")
        if program(pid) != PROGRAMS[failpoint.partition(".")[0]]:
            raise AssertionError(f"{failpoint} was passed by {program(pid) or 'who is gone'}")
        self.standing.add(pid)
        return pid

    def wait_for_pass(self, failpoint, number, why=lambda: ""):
        """The process that stopped itself there at the so-manieth pass since it was armed."""
        for _ in range(number - 1):
            pid = self.wait(failpoint, why)
            self.arm(failpoint)
            self.go_on(pid)
        return self.wait(failpoint, why)

    def go_on(self, pid):
        self.standing.discard(pid)
        os.kill(pid, signal.SIGCONT)

    def release(self):
        """Nobody stops any more, and who stands goes on."""
        for armed in self.folder.iterdir():
            armed.unlink()
        for pid in list(self.standing):
            self.standing.discard(pid)
            if stands(pid) and program(pid) in PROGRAMS.values():
                os.kill(pid, signal.SIGCONT)
