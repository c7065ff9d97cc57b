#!/usr/bin/env python3
"""Runs clang-tidy over our sources with the lint preset's compile commands.

    tidy.py --changed [--since REV]    files that differ from REV (the merge base with the main
                                       branch, else the commit before)
    tidy.py --all [--shard N/M]        every file, or the Nth of M parts of them
    tidy.py FILE…

--build DIR names the configured build (build/lint), --seconds N ends the run after N seconds: what was
not reached is named, and is no failure, since a shard of every file runs elsewhere (tools/shards.txt).
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The check doesn't know that ASSERT_TRUE(x.has_value()) looked.
IN_TESTS = "--checks=-bugprone-unchecked-optional-access"
NOISE = re.compile(r"^\d+ warnings? (and \d+ errors? )?(generated|treated as errors)\.?$")


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)


def base_revision():
    """Where this change began; None before the first commit."""
    for branch in ("origin/main", "origin/master"):
        found = git("merge-base", "HEAD", branch)
        if found.returncode == 0 and found.stdout != git("rev-parse", "HEAD").stdout:
            return found.stdout.strip()
    found = git("rev-parse", "--verify", "--quiet", "HEAD~1")
    return found.stdout.strip() or None


def changed_sources(since, sources):
    """Sources that changed, and those beside a header that did."""
    if since is None:
        return sources
    names = git("diff", "--name-only", since).stdout.split("\n")
    names += git("ls-files", "--others", "--exclude-standard").stdout.split("\n")
    stems = {os.path.splitext(name)[0] for name in names if name.endswith((".cpp", ".h"))}
    return [file for file in sources if os.path.splitext(file)[0] in stems
            or os.path.splitext(file)[0].removesuffix("_test") in stems]


def run_one(file, build, deadline):
    """(file, seconds, problems); problems is None when there was no time."""
    start = time.monotonic()
    if start > deadline:
        return file, 0, None
    command = ["clang-tidy-19", "-p", build, "--quiet", *([IN_TESTS] if file.endswith("_test.cpp") else []), file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if not NOISE.match(line)]
    return file, time.monotonic() - start, "\n".join(lines) if done.returncode else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--changed", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--since")
    parser.add_argument("--shard", default="1/1")
    parser.add_argument("--build", default="build/lint")
    parser.add_argument("--seconds", type=int, default=3600)
    options = parser.parse_args()

    commands = json.loads((ROOT / options.build / "compile_commands.json").read_text())
    generated = {str((ROOT / options.build).resolve())}
    sources = sorted({os.path.relpath(entry["file"], ROOT) for entry in commands
                      if not any(entry["file"].startswith(folder) for folder in generated)
                      and entry["file"].startswith(f"{ROOT}/") and "/build/" not in entry["file"]})
    if options.changed:
        sources = changed_sources(options.since or base_revision(), sources)
    elif options.all:
        number, parts = map(int, options.shard.split("/"))
        # By the name's hash: a new file moves no other to another shard.
        sources = [file for file in sources
                   if int(hashlib.sha256(file.encode()).hexdigest(), 16) % parts == number - 1]
    else:
        sources = [os.path.relpath(file, ROOT) for file in options.files]

    deadline = time.monotonic() + options.seconds
    workers = len(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(lambda file: run_one(file, options.build, deadline), sources))
    failed = [problems for _, _, problems in results if problems]
    late = [file for file, _, problems in results if problems is None]
    print("\n".join(failed), end="\n" if failed else "")
    print(f"clang-tidy: {len(results) - len(late)} files, {len(failed)} with problems")
    if late:
        print(f"clang-tidy: no time in {options.seconds} s for {len(late)} more: {' '.join(late)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
