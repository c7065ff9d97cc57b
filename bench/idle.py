#!/usr/bin/env python3
"""What a stack costs that has nothing to do, as `millrace up` starts it, and how soon it is ready.

    idle.py [--smoke]
"""
import os
import pathlib
import sys
import time

import report
import bench_stack

TICKS = os.sysconf("SC_CLK_TCK")


def processes(stack):
    """Process numbers by part, children with their parent."""
    found = {}
    for part in ("postgres", "scheduler", "worker"):
        pid = stack.pid(part)
        found[part] = [pid, *stack.children(pid)]
    return found


def cpu_seconds(pids):
    used = 0.0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        used += (int(fields[11]) + int(fields[12])) / TICKS
    return used


def mebibytes(pids, name):
    """Memory by smaps: Pss counts what several processes share once in all, other stacks included; Rss each time."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{name}:"):
                total += int(line.split()[1])
    return total / 1024


def main():
    smoke = "--smoke" in sys.argv[1:]
    began = time.monotonic()
    with bench_stack.e2e.Stack(lease="15s") as stack:
        first = time.monotonic() - began
        report.settings("idle")
        stack.call("down")
        began = time.monotonic()
        stack.up()
        report.row("first `millrace up`, the database made", f"{first:.2f} s")
        report.row("second `millrace up`, until it is ready", f"{time.monotonic() - began:.2f} s", "<= 3 s")
        time.sleep(1 if smoke else 10)
        parts = processes(stack)
        before, start = {part: cpu_seconds(pids) for part, pids in parts.items()}, time.monotonic()
        time.sleep(1 if smoke else 60)
        took = time.monotonic() - start
        shares = {part: 100 * (cpu_seconds(pids) - before[part]) / took for part, pids in parts.items()}
        report.row("idle, of a core", f"{sum(shares.values()):.2f} %", "<= 1 %",
                   ", ".join(f"{part} {share:.2f} %" for part, share in shares.items()))
        memory = {part: mebibytes(pids, "Pss") for part, pids in parts.items()}
        resident = sum(mebibytes(pids, "Rss") for pids in parts.values())
        report.row("idle, memory (PSS)", f"{sum(memory.values()):.0f} MiB", "<= 400 MB",
                   ", ".join(f"{part} {size:.0f}" for part, size in memory.items()) + f"; sum of RSS {resident:.0f}")


if __name__ == "__main__":
    main()
