#!/usr/bin/env python3
"""Makes docs/dependencies.md and THIRD_PARTY_NOTICES.md of deps.lock.

    deps_docs.py [--check]      --check: writes nothing, names what is stale, exits 1 if anything is
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = ("kind", "group", "part", "name", "version", "check", "licence", "reason")
KINDS = {"apt": "Debian 12", "pypi": "PyPI", "npm": "npm"}
GROUPS = {
    "demo": "To build and run (`make demo`)",
    "test": "To test, besides (`make test`)",
    "fresh": "For `make test-fresh`, besides",
}
CHECKS = {"apt": r"-", "pypi": r"sha256:[0-9a-f]{64}", "npm": r"sha512-[A-Za-z0-9+/]{86}=="}


def read_lock(text):
    """The rows as dictionaries; ValueError names the first bad one."""
    rows, seen = [], set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        cells = re.split(r"  +", line)
        if len(cells) != len(COLUMNS):
            raise ValueError(f"deps.lock:{number}: {len(cells)} columns, not {len(COLUMNS)}")
        row = dict(zip(COLUMNS, cells))
        if row["kind"] not in KINDS or row["group"] not in GROUPS:
            raise ValueError(f"deps.lock:{number}: no kind \"{row['kind']}\" or no group \"{row['group']}\"")
        if not re.fullmatch(CHECKS[row["kind"]], row["check"]):
            raise ValueError(f"deps.lock:{number}: \"{row['check']}\" is no check of a {row['kind']} row")
        if (row["kind"], row["name"]) in seen:
            raise ValueError(f"deps.lock:{number}: {row['name']} is there twice")
        seen.add((row["kind"], row["name"]))
        rows.append(row)
    return rows


def dependencies_page(rows):
    lines = [
        "# Dependencies", "",
        "Made from `deps.lock` by `make generate`; `tools/bootstrap.sh` installs from it. A Debian package's",
        "version is what it begins with, so that security updates come in; the rest is exact and checked",
        "against its hash.",
    ]
    for group, title in GROUPS.items():
        lines += ["", f"## {title}", "", "| what | version | from | for |", "|---|---|---|---|"]
        chosen = [row for row in rows if row["group"] == group and "needs it" not in row["reason"]]
        lines += [f"| `{row['name']}` | {row['version']} | {KINDS[row['kind']]} | {row['reason']} |" for row in chosen]
        others = [f"{row['name']} {row['version']}" for row in rows if row["group"] == group and "needs it" in row["reason"]]
        if others:
            lines += ["", f"What these need in turn: {', '.join(others)}."]
    return "\n".join(lines) + "\n"


def notices_page(rows):
    lines = [
        "# Third-party notices", "",
        "Made from `deps.lock` by `make generate`. Millrace's sources contain none of these: they are fetched",
        "or installed when it is built and tested, each under its own licence (SPDX). Of a Debian package the",
        "full text is in `/usr/share/doc/PACKAGE/copyright`; those of Arrow and DuckDB, with what they carry",
        "inside, in `.deps/arrow/licenses` and `.deps/duckdb/licenses`.", "",
        "| what | version | licence | from |", "|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: row["name"].lstrip("@").lower()):
        lines.append(f"| {row['name']} | {row['version']} | {row['licence']} | {KINDS[row['kind']]} |")
    return "\n".join(lines) + "\n"


def main(arguments):
    try:
        rows = read_lock((ROOT / "deps.lock").read_text())
    except ValueError as error:
        print(error)
        return 1
    pages = {"docs/dependencies.md": dependencies_page(rows), "THIRD_PARTY_NOTICES.md": notices_page(rows)}
    stale = [name for name, text in pages.items()
             if not (ROOT / name).exists() or (ROOT / name).read_text() != text]
    for name in stale:
        if "--check" in arguments:
            print(f"{name} is stale: `make generate` makes it anew")
        else:
            (ROOT / name).write_text(pages[name])
            print(f"wrote {name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
