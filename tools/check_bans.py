#!/usr/bin/env python3
"""Fails on what tools/bans.txt bans.      check_bans.py [ROOT]"""

import configparser
import fnmatch
import pathlib
import re
import subprocess
import sys

# Comments and literals, longest first: a quote in a comment opens nothing, nor the other way round.
NOT_CODE = re.compile(r'R"([^()\s\\]{0,16})\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'', re.DOTALL)
EXCUSE = re.compile(r"//\s*ban-ok:\s*([\w-]+),\s*because\s+\S")


def code_of(text):
    """`text` with comments and literals blanked, every line in its place."""
    return NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def applies(ban, file):
    def matches(patterns):
        return any(fnmatch.fnmatchcase(file, pattern) for pattern in patterns.split())
    return matches(ban.get("where", "*")) and not matches(ban.get("except", ""))


def check(root):
    bans = configparser.RawConfigParser(default_section="none")
    bans.read_string((root / "tools/bans.txt").read_text())
    files = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z", "--", "*.h", "*.cpp"],
                           check=True, capture_output=True, text=True).stdout.split("\0")
    for file in sorted(filter(None, files)):
        if not (root / file).exists():
            continue
        text = (root / file).read_text()
        code, lines = code_of(text), text.splitlines()
        for name in bans.sections():
            if not applies(bans[name], file):
                continue
            for match in re.finditer(bans[name]["pattern"], code):
                number = code.count("\n", 0, match.start())
                excuse = EXCUSE.search(lines[number])
                if not (excuse and excuse.group(1) == name):
                    yield f"{file}:{number + 1}: {name}: {lines[number].strip()[:80]}\n    instead: {bans[name]['instead']}"


if __name__ == "__main__":
    faults = list(check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__ + "/../..").resolve()))
    print("\n".join(faults), end="\n" if faults else "")
    sys.exit(1 if faults else 0)
