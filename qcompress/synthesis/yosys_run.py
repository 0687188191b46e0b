"""Run yosys: in a process of its own, for its memory is limited and it may end the process.

    python -m qcompress.synthesis.yosys_run MEMORY_LIMIT_MB FAMILY TOP VERILOG...

writes cells.json into the current folder.
"""

import os
import resource
import sys


def main() -> None:
    """Limit the memory of this process and of ABC, which it starts, then synthesize."""
    limit_mb, family, top, *sources = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(limit_mb) << 20,) * 2)
    from pyosys import libyosys

    design = libyosys.Design()
    for source in sources:
        libyosys.run_pass(f'read_verilog "{source}"', design)
    libyosys.run_pass(f"synth_xilinx -family {family} -top {top} -flatten -nodsp -noiopad", design)
    libyosys.run_pass("tee -q -o cells.json.part stat -json", design)
    os.replace("cells.json.part", "cells.json")


if __name__ == "__main__":
    main()
