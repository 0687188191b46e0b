"""The port by which weights are loaded."""

from qcompress.targets.rtl.verilog import bits
from qcompress.targets.rtl.weight_store import Layout


def store_ports(layout: Layout, banks: int = 1) -> tuple[str, ...]:
    """The load port of layout, as declarations: one block at a rising edge with `load_enable`, of one of the banks."""
    return (
        "input load_enable",
        *(["input load_bank"] if banks > 1 else []),
        f"input {bits(layout.address_bits)} load_address",
        f"input {bits(layout.block_bits)} load_data",
    )
