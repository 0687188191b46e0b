"""Run yosys: in a process of its own, for its memory is limited and it may end the process.

    python -m qcompress.synthesis.yosys_run job.json

job.json: memory_limit_mb, sources (Verilog files), passes (yosys commands), stat (the arguments of its `stat`);
writes cells.json into the current folder.
"""

import json
import os
import resource
import sys
from pathlib import Path


def main() -> None:
    """Limit the memory of this process and of ABC, which it starts, then synthesize."""
    job = json.loads(Path(sys.argv[1]).read_text())
    resource.setrlimit(resource.RLIMIT_AS, (int(job["memory_limit_mb"]) << 20,) * 2)
    from pyosys import libyosys

    design = libyosys.Design()
    for source in job["sources"]:
        libyosys.run_pass(f'read_verilog "{source}"', design)
    for command in job["passes"]:
        libyosys.run_pass(command, design)
    libyosys.run_pass(f"tee -q -o cells.json.part stat -json {job['stat']}", design)
    os.replace("cells.json.part", "cells.json")


if __name__ == "__main__":
    main()
