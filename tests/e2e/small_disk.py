"""Small file systems for tests: a folder of a stack on a disk of its own that can be filled up.

A tmpfs each, so it wants root; in_own_mounts() starts the test program again where mounts are its own and end
with it (through sudo where it is not root).
"""
import errno
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

MEBIBYTE = 1 << 20


def in_own_mounts():
    """To be called first of all. Does not return where the mounts are everybody's."""
    if "MILLRACE_OWN_MOUNTS" in os.environ:
        return
    command = [] if os.geteuid() == 0 else ["sudo", "--non-interactive", "--preserve-env"]
    command += ["unshare", "--mount", "--propagation", "private", "env", "MILLRACE_OWN_MOUNTS=yes"]
    sys.exit(subprocess.run(command + [sys.executable, "-B", *sys.argv], check=False).returncode)


class NoControlGroups:
    """A context without control groups: on a tmpfs, files are memory, which they hold an attempt to."""

    FOLDER = pathlib.Path("/sys/fs/cgroup")

    def __enter__(self):
        self.hides = self.FOLDER.is_dir()  # a bare machine has none to hide
        if self.hides:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", self.FOLDER], check=True)

    def __exit__(self, *_):
        if self.hides:
            subprocess.run(["umount", self.FOLDER], check=True)


class SmallDisk:
    """The folder, with what it holds, on a file system of so many mebibytes. To be made while nobody has it open."""

    def __init__(self, folder, mebibytes):
        self.folder = pathlib.Path(folder)
        self.ballast = self.folder / "ballast"
        status = self.folder.stat()
        with tempfile.TemporaryDirectory(prefix="millrace-e2e-disk-") as aside:
            subprocess.run(["cp", "-a", f"{self.folder}/.", aside], check=True)
            options = f"size={mebibytes}m,mode={status.st_mode & 0o7777:o},uid={status.st_uid},gid={status.st_gid}"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.folder], check=True)
            subprocess.run(["cp", "-a", f"{aside}/.", self.folder], check=True)

    def free(self):
        return shutil.disk_usage(self.folder).free

    def fill(self, leave=0):
        """Takes all room but so many bytes."""
        with open(self.ballast, "ab") as ballast:
            while self.free() > leave:
                try:
                    os.posix_fallocate(ballast.fileno(), ballast.tell(), self.free() - leave)
                    ballast.seek(0, os.SEEK_END)
                except OSError as failure:  # somebody else took of it meanwhile
                    if failure.errno != errno.ENOSPC:
                        raise

    def make_room(self):
        self.ballast.unlink()

    def unmount(self):
        subprocess.run(["umount", "--lazy", self.folder], check=True)
