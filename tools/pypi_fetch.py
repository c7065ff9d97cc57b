#!/usr/bin/env python3
"""Downloads the one file of a PyPI project that has the given SHA-256, without running anything in it.

    pypi_fetch.py NAME VERSION SHA256 FOLDER      prints the file's path

`pip download` would do for wheels, but for a source archive it runs the archive's setup.py to learn
its name. So this is pip with its own configuration (index, proxy, certificates) asked for the file
alone: it lists the project's files, takes the one with the right hash, and checks what arrived.
Debian 12's pip is 23.0; pip has no public interface, so the names below are held to that version.
"""

import hashlib
import os
import shutil
import sys
import tempfile

from pip._internal.commands.download import DownloadCommand
from pip._internal.exceptions import DistributionNotFound, HashMismatch
from pip._internal.network.download import Downloader


class FetchCommand(DownloadCommand):
    """`pip download`, with its options and configuration, that stops after the file."""

    ignore_require_venv = True

    def run(self, options, args):
        name, version, sha256, folder = args
        session = self.get_default_session(options)
        finder = self._build_package_finder(options, session)
        links = [c.link for c in finder.find_all_candidates(name)
                 if str(c.version) == version and c.link.hash in (sha256, None)]
        if not links:
            raise DistributionNotFound(f"no file of {name} {version} has the SHA-256 {sha256}")
        # Downloaded beside its place and moved there once checked: no half file under a real name.
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            for link in links:
                path, _ = Downloader(session, "off")(link, scratch)
                with open(path, "rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
                if found == sha256:
                    print(shutil.move(path, os.path.join(folder, link.filename)))
                    return 0
        raise HashMismatch(f"{name} {version} came with SHA-256 {found}, not {sha256}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(FetchCommand("download", "fetch one file").main(["--quiet", *sys.argv[1:]]))
