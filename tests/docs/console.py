"""The console blocks of a page: what they run, what they show, and whether that is what comes.

A page is read from top to bottom:

- A fenced block right under a line that ends with a file's name (`delays.yaml`:) is that file.
- A ```console block holds commands ("$ ", continued by "> ") with what they print below, errors among it. A
  block that shows nothing at all is a list of things to type: its commands must succeed, whatever they say.
- A command succeeds, unless the next line of the page is `$ echo $?`.
- What differs from day to day is shown as it once was, and recognised by its form (VARYING). Names of runs and
  identifiers are kept in mind: where the page names the run again, the real one is meant.
- "…" stands for anything within a line, and alone on a line for any lines.
- /home/you is the reader's home, where every page begins.
"""
import dataclasses
import difflib
import itertools
import os
import pathlib
import re
import select
import signal
import subprocess
import time

HOME = "/home/you"
ELLIPSIS = "…"

# Form in the page → form in the output. The first that fits counts.
VARYING = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", None),  # a time
    (r"xxh64:[0-9a-f]{16}", None),
    (r"127\.0\.0\.1:\d+", None),
    (r"running +\d+", r"running +\d+"),  # a process
    (r"[\w./-]+/worker\.sock", None),
    (r"^id: \d+(?:\.\d+)?$", r"id: \d+(?:\.\d+)?"),  # of an event
    (r'"(?:asOf|resourceVersion)":"\d+(?:\.\d+)?"', None),
    (r"\b\d+(?:\.\d+)?(?:ms|s|m|h|d)(?:\d+(?:ms|s|m))?\b", None),  # a duration
    (r"\b\d+(?:\.\d+)? (?:B|KiB|MiB|GiB)(?!\w)", None),
]
# Kept in mind. A run's name ends with five letters and digits, in a page with at least one digit.
IDENTIFIER = r"\b[0-9a-hjkmnp-tv-z]{26}\b"
RUN_NAME = r"\b(?P<workflow>[a-z][a-z0-9-]*)-(?=[a-z]*\d)[a-z0-9]{5}\b"


@dataclasses.dataclass
class File:
    line: int
    name: str
    text: str


@dataclasses.dataclass
class Command:
    line: int
    text: str
    shown: list  # lines
    compared: bool = True  # whether what is printed matters


def read_page(text):
    """The page's files and commands, in order."""
    steps, lines = [], text.splitlines()
    index = 0
    while index < len(lines):
        opening = re.fullmatch(r"( *)```(\w*)", lines[index])
        if not opening:
            index += 1
            continue
        above = next((line for line in reversed(lines[:index]) if line.strip()), "")
        start = index + 1
        end = next((i for i in range(start, len(lines)) if lines[i].strip() == "```"), len(lines))
        block = [line.removeprefix(opening[1]) for line in lines[start:end]]
        named = re.search(r"`([\w.-]+\.\w+)`:$", above)
        if opening[2] == "console":
            steps += read_console(block, start + 1)
        elif named:
            steps.append(File(start, named[1], "\n".join(block) + "\n"))
        index = end + 1
    return steps


def read_console(block, first_line):
    commands = []
    for number, line in enumerate(block, first_line):
        if line.startswith("$ "):
            commands.append(Command(number, line[2:], []))
        elif line.startswith("> ") and commands and not commands[-1].shown:
            commands[-1].text += "\n" + line[2:]
        elif commands:
            commands[-1].shown.append(line)
        else:
            raise ValueError(f"line {number}: output before the first command")
    shows = any(command.shown for command in commands)
    return [dataclasses.replace(command, compared=shows) for command in commands]


class Memory:
    """What the page calls a thing → what it is called here."""

    def __init__(self):
        self.known = {}

    def meant(self, text):
        for shown, real in self.known.items():
            text = re.sub(rf"(?<![\w-]){re.escape(shown)}(?![\w-])", lambda _, real=real: real, text)
        return text

    def matches(self, shown, printed):
        """Whether the printed lines are what the page shows; what is new is then known."""
        groups = {}  # of the pattern → what the page has there
        pattern = "".join(self._line_pattern(line, groups) for line in without_end(shown))
        match = re.fullmatch(pattern, "".join(f"{normal(line)}\n" for line in without_end(printed)))
        if not match:
            return False
        self.known |= {text: match[group] for group, text in groups.items()}
        return True

    def _line_pattern(self, line, groups):
        if line.strip() == ELLIPSIS:
            return r"(?:.*\n)*?"
        forms = "|".join([f"(?P<id>{IDENTIFIER})", f"(?P<run>{RUN_NAME})", f"(?P<any>{ELLIPSIS})",
                          *(f"(?P<v{i}>{form})" for i, (form, _) in enumerate(VARYING))])
        pattern, position, line = "", 0, normal(line)
        for found in re.finditer(forms, line):
            pattern += re.escape(line[position:found.start()]) + self._form(found, groups)
            position = found.end()
        return pattern + re.escape(line[position:]) + r"\n"

    def _form(self, found, groups):
        kind, text = next((kind, text) for kind, text in found.groupdict().items() if text and kind != "workflow")
        if kind == "any":
            return ".*"
        if kind.startswith("v"):
            form, real = VARYING[int(kind[1:])]
            return f"(?:{real or form})"
        if text in self.known:
            return re.escape(self.known[text])
        for group, other in groups.items():
            if other == text:
                return f"(?P={group})"
        group = f"g{len(groups)}"
        groups[group] = text
        return f"(?P<{group}>{IDENTIFIER if kind == 'id' else re.escape(found['workflow']) + '-[a-z0-9]{5}'})"


def normal(line):
    """Widths of columns depend on what varies."""
    return re.sub(r"\s+", " ", line).strip()


def without_end(lines):
    """Empty lines at the end, a page leaves out."""
    return lines[:max((number for number, line in enumerate(lines, 1) if line.strip()), default=0)]


class Shell:
    """One bash for a whole page, so that variables and folders last."""

    def __init__(self, folder, environment):
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.numbers = itertools.count()

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)  # with a command that is stuck
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def run(self, command, limit):
        """Its output and exit code; TimeoutError with what it had printed."""
        mark = f"--end-of-command-{next(self.numbers)}--"
        # The code is put back for an `echo $?` that follows.
        self.process.stdin.write(
            f"{{ {command}\n}} </dev/null\ncode=$?; printf '\\n%s %d\\n' {mark} $code; (exit $code)\n".encode())
        self.process.stdin.flush()
        output, deadline = b"", time.monotonic() + limit
        while True:
            if found := re.search(rb"\n" + mark.encode() + rb" (\d+)\n$", output):
                return output[:found.start()].decode(errors="replace"), int(found[1])
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            if not piece:
                raise TimeoutError(output.decode(errors="replace"))
            output += piece


def run_page(page, home, environment, limit=120, skipped=None):
    """Runs the page in `home`, but for commands that the pattern `skipped` fits. The first fault, as text that begins
    with the page's line, in a list; nothing runs after it.
    """
    page, home = pathlib.Path(page), pathlib.Path(home)
    steps = [step for step in read_page(page.read_text())
             if isinstance(step, File) or not skipped or not re.match(skipped, step.text)]
    memory = Memory()
    shell = Shell(home, environment | {"HOME": str(home)})
    try:
        for number, step in enumerate(steps):
            if isinstance(step, File):
                (home / step.name).write_text(step.text.replace(HOME, str(home)))
                continue
            place = f"{page.name}:{step.line}: $ {step.text}"
            command = memory.meant(step.text).replace(HOME, str(home))
            try:
                output, code = shell.run(command, limit)
            except TimeoutError as stuck:
                return [f"{place}\nhas not ended after {limit} s, or has ended the shell; it printed:\n{stuck}"]
            printed = output.replace(str(home), HOME).splitlines()
            asks = number + 1 < len(steps) and getattr(steps[number + 1], "text", "") == "echo $?"
            if code != 0 and not asks:
                return [f"{place}\nexit code {code}; it printed:\n" + "\n".join(printed)]
            if step.compared and not memory.matches(step.shown, printed):
                return [f"{place}\n" + "\n".join(difflib.unified_diff(
                    [normal(line) for line in step.shown], [normal(line) for line in printed],
                    "the page", "what came", lineterm=""))]
    finally:
        shell.close()
    return []
