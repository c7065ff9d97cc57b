"""A stack to be measured: scheduler, worker and Postgres as `millrace up` starts them, durable, and the
worker with settings of the benchmark's own. A client of its REST interface that keeps its connection."""
import datetime
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))
import stack as e2e  # noqa: E402


def micros(text):
    """Microseconds since 1970 of an RFC 3339 time."""
    day, _, rest = text.removesuffix("Z").partition("T")
    clock, _, fraction = rest.partition(".")
    seconds = datetime.datetime.fromisoformat(f"{day}T{clock}+00:00").timestamp()
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0") or 0)


class Client:
    """Requests over one connection that stays open. Not for several threads."""

    def __init__(self, port, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        """The answer's JSON; an error says what the server said."""
        text = None if body is None else json.dumps(body)
        self.connection.request(method, f"/v1/namespaces/default/{path}", text, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content.decode()}")
        return json.loads(content) if content else None

    def put_workflow(self, name, tasks):
        """Workflow `name` of these tasks."""
        self.call("PUT", f"workflows/{name}", {
            "apiVersion": "millrace.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name}, "spec": {"tasks": tasks}})

    def run(self, workflow):
        """Starts a run; its name."""
        return self.call("POST", "runs", {"workflow": workflow})["metadata"]["name"]

    def wait(self, run, limit=600):
        """The run once it has ended; it must have succeeded."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            told = self.call("GET", f"runs/{run}")
            if "finishedAt" in told["status"]:
                if told["status"]["phase"] != "Succeeded":
                    raise RuntimeError(f"run {run}: {told['status']}")
                return told
            time.sleep(0.02)
        raise RuntimeError(f"run {run} did not end within {limit} s")

    def items(self, path):
        """All items of a list, page by page."""
        found, cursor = [], ""
        while True:
            joint = "&" if "?" in path else "?"
            page = self.call("GET", f"{path}{joint}limit=1000{cursor}")
            found += page["items"]
            if not page.get("next"):
                return found
            cursor = f"&cursor={page['next']}"


class BenchStack(e2e.Stack):
    """A stack whose own worker is replaced by one with the flags given here. `runner` is a program of bin/."""

    def __init__(self, runner="millrace-runner", worker_flags=(), **options):
        super().__init__(lease="15s", **options)
        self.runner = e2e.BIN / runner
        self.worker_flags = list(worker_flags)
        self.worker = None

    def up(self, **options):
        super().up(**options)
        self.stop_own_worker()
        self.start_worker()

    def __exit__(self, *arguments):
        if self.worker is not None:
            self.worker.terminate()
            self.worker.wait()
        super().__exit__(*arguments)

    def stop_own_worker(self):
        worker = self.pid("worker")
        self.command_line = pathlib.Path(f"/proc/{worker}/cmdline").read_text().split("\0")[:-1]
        os.kill(worker, 15)
        while e2e.lives(worker):
            time.sleep(0.01)

    def start_worker(self):
        arguments = list(self.command_line)
        arguments[arguments.index("--runner") + 1] = str(self.runner)
        arguments[arguments.index("--name") + 1] = "bench"
        log = (self.directory / "logs" / "bench-worker.log").open("w")
        self.worker = subprocess.Popen([*arguments, *self.worker_flags], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT)
        log.close()
        log = self.directory / "logs" / "bench-worker.log"
        deadline = time.monotonic() + 30
        while "connected to the scheduler" not in log.read_text():
            if time.monotonic() > deadline or self.worker.poll() is not None:
                raise RuntimeError(f"the worker does not connect\n{self.logs()}")
            time.sleep(0.01)

    def client(self):
        port = int((self.directory / "state" / "scheduler.port").read_text())
        return Client(port, (self.directory / "tokens" / "api").read_text().strip())

    def postgres_url(self):
        """The stack's database, as a URL."""
        words = pathlib.Path(f"/proc/{self.pid('scheduler')}/cmdline").read_text().split("\0")
        given = dict(re.findall(r"(\w+)='?([^' ]+)'?", words[words.index("--postgres") + 1]))
        return f"postgresql://{given['user']}@/{given['dbname']}?host={urllib.parse.quote(given['host'], safe='')}"

    def postgres_settings(self):
        """fsync and synchronous_commit of the stack's Postgres, as its own command line and files have them."""
        pid = self.pid("postgres")
        line = pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        given = dict(re.findall(r"-c ?(\w+)=(\S+)", line))
        data = pathlib.Path(f"/proc/{pid}/cwd")
        for file in ("postgresql.conf", "postgresql.auto.conf"):
            for name, value in re.findall(r"^\s*(\w+)\s*=\s*'?([^'#\s]+)", (data / file).read_text(), re.MULTILINE):
                given.setdefault(name, value)
        return {"fsync": given.get("fsync", "on"), "synchronous_commit": given.get("synchronous_commit", "on")}
