#!/usr/bin/env python3
"""Runs ctest and judges what it did: a skipped, disabled or forgotten test fails the run, too.

    run_tests.py [--counts FILE] BUILD [CTEST-OPTION…]      e.g. run_tests.py build/release -L unit

ctest calls a program passed whose every GoogleTest case was skipped. So each program also writes its
own report (GTEST_OUTPUT), and both are read. Prints the slowest programs and
"N cases passed, N failed, N skipped, in N programs"; --counts appends "passed failed" to FILE.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree


def gtest_cases(folder):
    """(passed, failed, names of the skipped) of every GoogleTest report in the folder."""
    passed, failed, skipped = 0, 0, []
    for report in sorted(pathlib.Path(folder).glob("*.json")):
        for suite in json.loads(report.read_text())["testsuites"]:
            for case in suite["testsuite"]:
                name = f"{report.stem}: {suite['name']}.{case['name']}"
                if case.get("failures"):
                    failed += 1
                elif case["status"] == "NOTRUN" or case["result"] == "SKIPPED":
                    skipped.append(name)
                else:
                    passed += 1
    return passed, failed, skipped


def ctest_programs(report):
    """(name, seconds, status) of every test that ctest was to run: run, fail, notrun or disabled."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        yield case.get("name"), float(case.get("time") or 0), case.get("status")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    options, ctest_options = parser.parse_known_args()

    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch, "ctest.xml")
        cases = pathlib.Path(scratch, "cases")
        cases.mkdir()
        done = subprocess.run(
            ["ctest", "--test-dir", options.build, "--output-on-failure", "--no-tests=error", "--output-junit", report,
             "--parallel", str(len(os.sched_getaffinity(0))), *ctest_options],
            env=os.environ | {"GTEST_OUTPUT": f"json:{cases}/"}, check=False)
        programs = list(ctest_programs(report)) if report.exists() else []
        passed, failed, skipped = gtest_cases(cases)
        reported = {path.stem for path in cases.glob("*.json")}

    for name, _, status in programs:
        if status in ("notrun", "disabled"):
            skipped.append(f"{name}: {status}")
        elif name not in reported:  # no GoogleTest program, or one that died: the program is the case
            passed, failed = (passed, failed + 1) if status == "fail" else (passed + 1, failed)
    if done.returncode != 0 and failed == 0:
        failed = 1  # ctest found nothing to run, or a program failed outside its cases

    slowest = sorted(programs, key=lambda program: -program[1])[:5]
    print("slowest: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds, _ in slowest))
    for name in skipped:
        print(f"skipped, which counts as failed: {name}")
    print(f"{passed} cases passed, {failed} failed, {len(skipped)} skipped, in {len(programs)} programs", flush=True)
    if options.counts:
        with options.counts.open("a") as counts:
            counts.write(f"{passed} {failed + len(skipped)}\n")
    return 1 if failed or skipped or done.returncode or not programs else 0


if __name__ == "__main__":
    sys.exit(main())
