#!/usr/bin/env python3
"""How fast time passes in the simulator: a day of 2,000 runs of 30 to 40 tasks under all faults, twice, and
seeds a second.

    simulation.py [--smoke]
"""
import os
import pathlib
import re
import subprocess
import sys
import time

import report

SIMULATE = pathlib.Path(os.environ["MILLRACE_BIN_DIR"]) / "simulate"


def simulate(*arguments):
    """Seconds, and the last line of what it says."""
    began = time.monotonic()
    told = subprocess.run([SIMULATE, *arguments], capture_output=True, text=True, check=True)
    return time.monotonic() - began, told.stdout.splitlines()[-1]


def main():
    smoke = "--smoke" in sys.argv[1:]
    report.settings("simulation")
    if not smoke:
        days = [simulate("--seeds", "1", "--profile", "day") for _ in range(2)]
        traces = {re.search(r"trace (\w+)", line)[1] for _, line in days}
        if len(traces) != 1:
            sys.exit(f"the same seed gave two traces: {traces}")
        runs, hours = re.search(r"(\d+) runs, .* ([\d.]+) virtual hours", days[0][1]).groups()
        report.row(f"{hours} virtual hours, {runs} runs of 30 to 40 tasks", f"{min(days)[0]:.1f} s", "<= 10 s",
                   f"the same trace twice, {traces.pop()}")
    for profile, seeds in (("faults", 20 if smoke else 1000), ("storm", 5 if smoke else 200)):
        took, _ = simulate("--seeds", f"1..{seeds}", "--profile", profile)
        report.row(f"seeds of profile {profile}", f"{seeds / took:.0f}/s", note=f"{seeds} in {took:.1f} s")


if __name__ == "__main__":
    main()
