#!/usr/bin/env python3
"""Fails on an #include that tools/layers.txt does not allow.

    check_layers.py [--table] [ROOT]     --table prints the rows as Markdown for the documentation

CMake can't check this: Debian's headers are always on the compiler's path.
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


def read_table(path):
    """The rows of layers.txt: (folder -> allowed names, library -> prefixes)."""
    folders, libraries = {}, {}
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("library "):
            name, prefixes = line.removeprefix("library ").split("=")
            libraries[name.strip()] = prefixes.split()
        elif line:
            folder, allowed = line.split(":")
            folders[folder.strip()] = allowed.split()
    return folders, libraries


def folder_of(path, folders):
    """The longest row that `path` lies in, or None."""
    parents = (str(parent) for parent in pathlib.PurePosixPath(path).parents)
    return next((parent for parent in parents if parent in folders), None)


def names_of(bracket, header, folders, libraries):
    """What an include counts as; any one of the names being allowed is enough."""
    if header.endswith(".pb.h") and not header.startswith("google/"):
        return ["proto"]
    if bracket == '"':
        return [folder_of(header, folders) or header]
    found = [name for name, prefixes in libraries.items() if header.startswith(tuple(prefixes))]
    if found:
        return found
    if "/" in header and not header.startswith(("sys/", "netinet/", "arpa/", "linux/")):
        return [f"<{header}>"]  # a library without a row
    return ["posix" if header.endswith(".h") else "std"]


def check(root):
    folders, libraries = read_table(root / "tools/layers.txt")
    files = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z", "--", "*.h", "*.cpp"],
                           check=True, capture_output=True, text=True).stdout.split("\0")
    for file in sorted(filter(None, files)):
        if not (root / file).exists():
            continue
        own = folder_of(file, folders)
        if own is None:
            yield f"{file}: no row of tools/layers.txt holds its folder"
            continue
        allowed = [own, *folders[own]]
        if file.endswith("_test.cpp") or "/testing/" in file:
            allowed += folders["tests beside code"]
        text = (root / file).read_text()
        for match in INCLUDE.finditer(text):
            names = names_of(*match.groups(), folders, libraries)
            if not any(fnmatch.fnmatchcase(name, row) for name in names for row in allowed):
                line = text.count("\n", 0, match.start(2)) + 1
                yield f"{file}:{line}: {own} may not include {names[0]} ({match.group(2)}); it may use: {' '.join(folders[own])}"


def main(arguments):
    table = "--table" in arguments
    paths = [a for a in arguments if a != "--table"]
    root = pathlib.Path(paths[0] if paths else __file__ + "/../..").resolve()
    if table:
        folders, _ = read_table(root / "tools/layers.txt")
        print("| folder | may include |\n|---|---|")
        print("\n".join(f"| `{folder}/` | {', '.join(allowed)} |" for folder, allowed in folders.items() if " " not in folder))
        return 0
    faults = list(check(root))
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
