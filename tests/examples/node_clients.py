"""Runs a script of the folder node, or a client from npm that its package.json names."""

import fcntl
import pathlib
import shutil
import subprocess

from running import EXAMPLES

SOURCE = pathlib.Path(__file__).parent / "node"


def installed():
    return shutil.which("npm") is not None


def _folder():
    """The folder with the scripts and the clients, which are installed at the first use."""
    folder = EXAMPLES.parent / "node"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in parallel
        done = folder / "node_modules" / ".package-lock.json"
        if not done.exists() or done.stat().st_mtime < (SOURCE / "package-lock.json").stat().st_mtime:
            shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
            npm = ["npm", "ci", "--no-audit", "--no-fund"]
            subprocess.run(npm, cwd=folder, capture_output=True, check=True, timeout=90)
        for script in SOURCE.glob("*.js"):
            shutil.copy(script, folder)
    return folder


def run(*command):
    """The output and exit code of node for a script or a client's program. `installed()` must be true."""
    command = ["node", *map(str, command)]
    return subprocess.run(command, cwd=_folder(), capture_output=True, text=True, timeout=90)
