"""What had to change outside of a folder for it: code in the commits that touched the folder.

    python campaigns/outside.py [qcompress/detectors/lartpc] [--more COMMIT...]

Run in a clone with its history. Commits in the order they were made, merges left out; code: the package and
pyproject.toml. --more: commits that did not touch the folder, but were made for it. Lines are those of `git show
--numstat`; a file that was moved counts whole.
"""

import argparse
import subprocess
from pathlib import Path
from typing import NamedTuple

from one_line import in_one_line

from qcompress.errors import QcompressError

PACKAGE = "qcompress"
ROOT = Path(__file__).parents[1]


class Change(NamedTuple):
    """Of a file in a commit: lines that came and went."""

    path: str
    more: int
    less: int


def git(*arguments: str) -> list[str]:
    """Lines that git prints; raises QcompressError with git's first one where it fails."""
    done = subprocess.run(("git", *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.splitlines() or ["it says nothing"])[0]
        raise QcompressError(f"git {arguments[0]} in {ROOT}: {said}; run it in a clone that has its history")
    return done.stdout.splitlines()


def changes(commit: str, *paths: str) -> list[Change]:
    """What a commit changes in files under `paths`."""
    lines = git("show", "--no-renames", "--numstat", "--format=", commit, "--", *paths)
    parts = [line.split("\t") for line in lines if line]
    return [Change(path, *(0 if count == "-" else int(count) for count in counts)) for *counts, path in parts]


@in_one_line
def main() -> None:
    """Print the table of commits, one line for every file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=f"{PACKAGE}/detectors/lartpc")
    parser.add_argument("--more", nargs="*", default=[], metavar="COMMIT")
    given = parser.parse_args()
    own = git("log", "--no-merges", "--reverse", "--format=%h", "--", given.folder)
    if not own:
        raise QcompressError(f"{given.folder}: no commit of {ROOT} touches it; give a folder of the clone")
    inside = [change for commit in own for change in changes(commit, given.folder)]
    print(f"{len(own)} commits touch {given.folder}: +{sum(c.more for c in inside)} -{sum(c.less for c in inside)}\n")
    print("| commit | what it says | code outside | + | - |\n|---|---|---|---|---|")
    alone = 0
    for commit in [*own, *given.more]:
        found = changes(commit, PACKAGE, "pyproject.toml", f":!{given.folder}")
        said = git("log", "-1", "--format=%h | %s", commit)[0]
        alone += commit in own and not found
        for change in found:
            print(f"| {said} | `{change.path.removeprefix(f'{PACKAGE}/')}` | {change.more} | {change.less} |")
    print(f"\n{alone} of them touch no code outside of it")


if __name__ == "__main__":
    main()
