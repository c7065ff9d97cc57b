"""What every benchmark prints: the settings of the machine and the build first, then rows of figures."""
import os
import pathlib
import statistics
import time


def quantile(values, q):
    """The value below which a share q of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def settings(title, **more):
    """Prints what a figure depends on besides the code."""
    model = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    told = {"commit": os.environ.get("MILLRACE_COMMIT", "unknown"), "build": os.environ.get("PRESET", "release"), "cores": len(os.sched_getaffinity(0)),
            "cpu": model, "load": f"{os.getloadavg()[0]:.2f}", "time": time.strftime("%Y-%m-%d %H:%M")} | more
    print(f"=== {title}")
    print("settings  " + ", ".join(f"{name} {value}" for name, value in told.items()), flush=True)


def row(what, figure, aim="", note=""):
    """One figure: what was measured, how much, what it should be."""
    print(f"{what:<52} {figure:>14}  {('aim ' + aim) if aim else '':<18} {note}".rstrip(), flush=True)


def durations(values, unit="ms"):
    """"p50 1.2, p99 3.4, max 5.6 ms, 5000 samples"."""
    return (f"p50 {quantile(values, 0.5):.2f}, p99 {quantile(values, 0.99):.2f}, max {max(values):.2f} {unit}, "
            f"{len(values)} samples")


def median(values):
    """The median, for runs that alternate."""
    return statistics.median(values)
