"""Ports of a module, read from its header."""

import pytest

from qcompress.errors import QcompressError
from qcompress.targets.rtl.pins import Pin, pins

TEXT = """
module net (
    input clk,
    input [31:0] input_codes,
    output reg output_valid,
    output wire [47:0] output_codes
);
endmodule
"""


def test_ports_in_their_order() -> None:
    assert pins(["module other (\n    input a\n);\nendmodule\n", TEXT], "net") == [
        Pin("clk", 1, True),
        Pin("input_codes", 32, True),
        Pin("output_valid", 1, False),
        Pin("output_codes", 48, False),
    ]


def test_a_module_that_is_not_there_is_said() -> None:
    with pytest.raises(QcompressError, match="no module other with one port a line"):
        pins([TEXT], "other")
    with pytest.raises(QcompressError, match="no module net with one port a line"):
        pins(["module net (input clk, input [3:0] a);\nendmodule"], "net")
