#!/usr/bin/env python3
"""What one task costs around its work: scheduler, worker, Postgres and bench_runner, all real and durable.

    dispatch.py [--smoke] [--no-peer]

  chain       40 tasks of fibo(10), each after the one before: time of a task, from run to run
  latency     single-task runs submitted at 500/s: from ready to the runner's own start, by the wall clock that
              both read
  throughput  independent no-op tasks in runs of 1,000: attempts a second
  profile     where the time of one task of the chain goes, from named points that the processes pass
  peer        DBOS, whose package is fetched into a scratch folder: the same chain on the same Postgres
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import report
from bench_stack import BenchStack, micros

CHAIN = 40
DBOS = "dbos==3.4.0"
SMALL = {"hint": {"cpu": "10m", "memory": "4Mi"}}
WORKER = ["--runners", "8", "--warm-runners", "4", "--attempts-per-runner", "10000"]


def command(name, argv, trace=None, needs=()):
    task = {"name": name, "command": {"argv": argv}, "resources": SMALL}
    if trace:
        task["command"]["env"] = [{"name": "BENCH_TRACE", "value": str(trace)}]
    if needs:
        task["dependsOn"] = list(needs)
    return task


def put_chain(client):
    client.put_workflow("chain", [command(f"t{i}", ["fibo", "10"], needs=[f"t{i - 1}"] if i else ()) for i in range(CHAIN)])


def milliseconds_of(run):
    return (micros(run["status"]["finishedAt"]) - micros(run["status"]["startedAt"])) / 1_000


def chain(client, runs):
    """Milliseconds a task, of each run."""
    put_chain(client)
    client.wait(client.run("chain"))  # warm: runners, connections, caches
    return [milliseconds_of(client.wait(client.run("chain"))) / CHAIN for _ in range(runs)]


def submit_steadily(stack, workflow, rate, count, threads=8):
    """Starts `count` runs at `rate` a second whatever becomes of them; how late the last one was, in seconds."""
    begin = time.monotonic() + 0.2
    late = []

    def work(first):
        client = stack.client()
        for i in range(first, count, threads):
            due = begin + i / rate
            time.sleep(max(0.0, due - time.monotonic()))
            client.run(workflow)
        late.append(time.monotonic() - due)

    workers = [threading.Thread(target=work, args=(first,)) for first in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return max(late)


def traced(folder):
    """Run, task → when its attempt began, in microseconds."""
    began = {}
    for file in pathlib.Path(folder).iterdir():
        for line in file.read_text().splitlines():
            run, task, start, _ = line.split()
            began[run, int(task)] = int(start)
    return began


def wait_for_all(client, workflow, count, limit=300):
    """All runs of the workflow, once they have ended."""
    deadline = time.monotonic() + limit
    while True:
        runs = client.items(f"runs?workflow={workflow}")
        if len(runs) == count and all("finishedAt" in run["status"] for run in runs):
            return runs
        if time.monotonic() > deadline:
            raise RuntimeError(f"{workflow}: not all of {count} runs ended within {limit} s")
        time.sleep(0.5)


def latency(stack, client, rate, count):
    """Milliseconds from ready to the runner's start, of each attempt."""
    with tempfile.TemporaryDirectory(dir=stack.root) as folder:
        client.put_workflow("single", [command("only", ["noop"], trace=folder)])
        client.wait(client.run("single"))
        late = submit_steadily(stack, "single", rate, count)
        # The task of a run that has one task is ready as soon as the run is there.
        ready = {run["status"]["runId"]: micros(run["status"]["startedAt"])
                 for run in wait_for_all(client, "single", count + 1)}
        began = traced(folder)
    return [(began[run, 0] - ready[run]) / 1_000 for run in ready], late


def throughput(client, runs, tasks):
    """Attempts a second, from the first run's start to the last one's end."""
    client.put_workflow("noops", [command(f"t{i}", ["noop"]) for i in range(tasks)])
    client.wait(client.run("noops"))
    names = [client.run("noops") for _ in range(runs)]
    ended = [client.wait(name) for name in names]
    first = min(micros(run["status"]["startedAt"]) for run in ended)
    last = max(micros(run["status"]["finishedAt"]) for run in ended)
    return runs * tasks / ((last - first) / 1e6)


def cpu_seconds(stack):
    """CPU time by part so far, of all its processes."""
    parts = {"scheduler": [stack.pid("scheduler")], "worker": [stack.worker.pid],
             "runners": stack.children(stack.worker.pid),
             "Postgres": [stack.pid("postgres"), *stack.children(stack.pid("postgres"))]}
    ticks = os.sysconf("SC_CLK_TCK")
    used = collections.Counter()
    for part, pids in parts.items():
        for pid in pids:
            fields = [0, *pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1:]]
            used[part] += (int(fields[11]) + int(fields[12])) / ticks
            if pid == stack.worker.pid:  # of runners that have ended
                used["runners"] += (int(fields[13]) + int(fields[14])) / ticks
    return used


def steps(log):
    """Point → next point → microseconds between them, of each time; one task is under way at a time."""
    passed = []
    for line in pathlib.Path(log).read_text().splitlines():
        name, _, at = line.partition(" ")
        passed.append((int(at), name))
    passed.sort()
    between = collections.defaultdict(list)
    for (before, name), (after, follower) in zip(passed, passed[1:]):
        between[name, follower].append(after - before)
    return between


def profile(runs):
    """Prints the median time between neighbouring points, for each pair that most tasks pass."""
    with tempfile.NamedTemporaryFile(prefix="millrace-bench-") as log:
        os.environ["MILLRACE_FAILPOINT_TIMES"] = log.name
        try:
            with BenchStack("bench_runner", WORKER) as stack:
                client = stack.client()
                put_chain(client)
                client.wait(client.run("chain"))
                pathlib.Path(log.name).write_text("")
                each = [milliseconds_of(client.wait(client.run("chain"))) / CHAIN for _ in range(runs)]
        finally:
            del os.environ["MILLRACE_FAILPOINT_TIMES"]
        between = steps(log.name)
    if not between:
        sys.exit("no process passed a point")
    print(f"profile of a task of the chain: {report.median(each) * 1_000:.0f} us each, the writing of these points in it")
    for (name, follower), times in sorted(between.items(), key=lambda item: -sum(item[1])):
        if len(times) >= runs * CHAIN // 2:
            print(f"  {report.median(times):6.0f} us  {name} -> {follower}")


def peer(stack, runs, noops):
    """Prints what DBOS needs for the same on the stack's Postgres, while the stack itself is idle."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-peer-") as folder:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--root-user-action=ignore", "--target", folder, DBOS], check=True, stderr=subprocess.DEVNULL)
        program = pathlib.Path(__file__).parent / "peers" / "dbos_chain.py"
        told = subprocess.run([sys.executable, "-B", program, stack.postgres_url(), str(CHAIN), str(runs), str(noops)],
                              env=os.environ | {"PYTHONPATH": folder}, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        sys.exit(f"the peer failed:\n{told.stderr}")
    figures = json.loads(told.stdout.splitlines()[-1])
    report.row(f"peer {DBOS}: chain, a step", f"{report.median(figures['chain']):.2f} ms",
               note=f"fastest run {min(figures['chain']):.2f}, {runs} runs; in one process")
    report.row(f"peer {DBOS}: queued no-op workflows", f"{figures['noops']:.0f}/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="a few of each, to see that it works")
    parser.add_argument("--no-peer", action="store_true", help="without what needs the network")
    options = parser.parse_args()
    smoke = options.smoke
    with BenchStack("bench_runner", WORKER) as stack:
        report.settings("dispatch", **stack.postgres_settings(), worker=" ".join(WORKER))
        client = stack.client()
        each = chain(client, 2 if smoke else 30)
        report.row("chain of 40 x fibo(10), a task", f"{report.median(each):.2f} ms", "<= 2 ms",
                   f"fastest run {min(each):.2f}, slowest {max(each):.2f}, {len(each)} runs")
        rate, count = (50, 50) if smoke else (500, 10_000)
        waited, late = latency(stack, client, rate, count)
        report.row(f"ready -> runner's start at {rate}/s, p99", f"{report.quantile(waited, 0.99):.2f} ms", "<= 5 ms",
                   f"{report.durations(waited)}; load generator at most {late * 1_000:.0f} ms late at its end")
        runs, tasks = (2, 50) if smoke else (20, 1_000)
        before, began = cpu_seconds(stack), time.monotonic()
        attempts = throughput(client, runs, tasks)
        took = time.monotonic() - began
        after = cpu_seconds(stack)
        report.row("independent no-op attempts", f"{attempts:.0f}/s", ">= 5,000/s",
                   "cores used: " + ", ".join(f"{part} {(after[part] - before[part]) / took:.2f}" for part in after))
        if not (smoke or options.no_peer):
            peer(stack, 10, 1_000)
    profile(1 if smoke else 10)


if __name__ == "__main__":
    main()
