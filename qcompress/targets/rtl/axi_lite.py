"""AXI4-Lite in front of a design with loadable weights and streams: registers, blocks of weights, rows under way."""

from qcompress.targets.rtl.axi_registers import WORD, Register, RegisterMap, register_map
from qcompress.targets.rtl.axi_stream import Timed, stream_ports
from qcompress.targets.rtl.verilog import Verilog, bits, number, zeros

OKAY, SLVERR = "2'b00", "2'b10"
"""Answers of AXI."""
COUNT = 16
"""Bits of a count of rows under way."""


def lite_top(design: Timed) -> str:
    """The module with registers and streams."""
    return f"{design.top}_axi"


def lite_ports(found: RegisterMap) -> tuple[str, ...]:
    """The port of the registers, as declarations."""
    address = bits(found.address_bits)
    return (
        "input s_axil_awvalid",
        "output s_axil_awready",
        f"input {address} s_axil_awaddr",
        "input s_axil_wvalid",
        "output s_axil_wready",
        "input [31:0] s_axil_wdata",
        "input [3:0] s_axil_wstrb",
        "output reg s_axil_bvalid",
        "input s_axil_bready",
        "output reg [1:0] s_axil_bresp",
        "input s_axil_arvalid",
        "output s_axil_arready",
        f"input {address} s_axil_araddr",
        "output reg s_axil_rvalid",
        "input s_axil_rready",
        "output reg [31:0] s_axil_rdata",
        "output reg [1:0] s_axil_rresp",
    )


def lite_text(design: Timed) -> str:
    """The module with registers and streams, around the one with streams."""
    found, source = register_map(design), Verilog()
    source.line(
        f"// {lite_top(design)}: {design.stream_top} with registers and weights on AXI4-Lite; all of one clock",
    )
    ports = ("input aclk", "input aresetn", *lite_ports(found), *stream_ports(design))
    with source.module(lite_top(design), *ports):
        source.line("reg running;", "always @(posedge aclk) running <= aresetn;")
        _write(source, design, found)
        _load(source, design, found)
        _count(source, design)
        _read(source, found)
        _inner(source, design)
    return source.text()


def _place(found: RegisterMap, name: str) -> Register:
    return next(register for register in found.registers if register.name == name)


def _write(source: Verilog, design: Timed, found: RegisterMap) -> None:
    """Address and data are taken together, one write at a time; CONTROL."""
    control, wide = _place(found, "CONTROL"), found.address_bits
    _addressed(source, found)
    kept = 1 + max(field.first for field in control.fields)
    source.line(
        "wire write = running & s_axil_awvalid & s_axil_wvalid & ~s_axil_bvalid;",
        "assign s_axil_awready = write;",
        "assign s_axil_wready = write;",
        "wire whole = &s_axil_wstrb;",
        f"wire to_weights = s_axil_awaddr[{wide - 1}];",
        f"wire to_control = {{s_axil_awaddr[{wide - 1}:2], 2'b00}} == {number(control.address, wide)};",
        f"reg {bits(kept)} control;",
    )
    with source.block("always @(posedge aclk) begin"):
        source.line(
            f"if (!running) control <= {zeros(kept)};",
            f"else if (write & whole & to_control) control <= s_axil_wdata{bits(kept)};",
            "if (!running) s_axil_bvalid <= 1'b0;",
            "else if (write) s_axil_bvalid <= 1'b1;",
            "else if (s_axil_bready) s_axil_bvalid <= 1'b0;",
            f"if (write) s_axil_bresp <= (whole & (to_control | (to_weights & is_word))) ? {OKAY} : {SLVERR};",
        )
    source.line("wire stream_resetn = running & ~control[0];")
    if design.banks > 1:
        source.line("wire input_bank = control[1];", "wire load_bank = control[2];")
    source.line("")


def _addressed(source: Verilog, found: RegisterMap) -> None:
    """Word and block that an address means, and whether there are such."""
    layout = found.layout
    block_at, end = 2 + found.word_bits, 2 + found.word_bits + layout.address_bits
    middle = found.address_bits - 1 - end
    there = [
        f"({name} <= {number(count - 1, width)})"
        for name, count, width in (
            ("word", found.block_words, found.word_bits),
            ("block", layout.blocks, layout.address_bits),
        )
        if count < 1 << width
    ]
    there += [f"(s_axil_awaddr[{end + middle - 1}:{end}] == {zeros(middle)})"] if middle else []
    known = " & ".join(there) or "1'b1"
    source.line(
        f"wire {bits(found.word_bits)} word = s_axil_awaddr[{block_at - 1}:2];",
        f"wire {bits(layout.address_bits)} block = s_axil_awaddr[{end - 1}:{block_at}];",
        f"wire is_word = {known};",
    )


def _load(source: Verilog, design: Timed, found: RegisterMap) -> None:
    """The words of a block wait for the last one."""
    layout, words = found.layout, found.block_words
    last, rest = number(words - 1, found.word_bits), layout.block_bits - WORD * (words - 1)
    source.line(
        "reg load_enable;",
        f"reg {bits(layout.address_bits)} load_address;",
        f"reg {bits(layout.block_bits)} load_data;",
    )
    with source.block("always @(posedge aclk) begin"):
        source.line(
            f"load_enable <= write & whole & to_weights & is_word & (word == {last});",
            "if (write) load_address <= block;",
        )
        with source.block("if (write & whole & to_weights & is_word) case (word)", "endcase"):
            for word in range(words):
                size = rest if word == words - 1 else WORD
                place = f"load_data[{WORD * word + size - 1}:{WORD * word}]"
                source.line(f"{number(word, found.word_bits)}: {place} <= s_axil_wdata{bits(size)};")
            source.line("default: ;")
    source.line("")


def _count(source: Verilog, design: Timed) -> None:
    """Rows under way, and those of them that are older than the last change of the bank."""
    one, none = number(1, COUNT), zeros(COUNT)
    source.line("wire row_taken, row_done;", f"reg {bits(COUNT)} under_way;", f"reg {bits(WORD)} rows;")
    after = f"under_way + {{{zeros(COUNT - 1)}, row_taken}} - {{{zeros(COUNT - 1)}, row_done}}"
    source.line(f"wire {bits(COUNT)} then_under_way = {after};")
    with source.block("always @(posedge aclk) begin"):
        source.line(f"under_way <= stream_resetn ? then_under_way : {none};")
        source.line(f"rows <= stream_resetn ? rows + {{{zeros(WORD - 1)}, row_taken}} : {zeros(WORD)};")
    if design.banks > 1:
        source.line(f"reg {bits(COUNT)} old_rows;", "wire switched = write & whole & to_control;")
        with source.block("always @(posedge aclk) begin"):
            source.line(
                f"if (!stream_resetn) old_rows <= {none};",
                "else if (switched & (s_axil_wdata[1] != input_bank)) old_rows <= then_under_way;",
                f"else if (row_done & (old_rows != {none})) old_rows <= old_rows - {one};",
            )
    source.line("")


def _read(source: Verilog, found: RegisterMap) -> None:
    """One read at a time."""
    wide = found.address_bits
    kept = 1 + max(field.first for field in _place(found, "CONTROL").fields)
    status = "old_rows, under_way" if len(_place(found, "STATUS").fields) > 1 else f"{zeros(WORD - COUNT)}, under_way"
    changing = {"CONTROL": f"{{{zeros(WORD - kept)}, control}}", "STATUS": f"{{{status}}}", "ROWS": "rows"}
    source.line("wire read = running & s_axil_arvalid & ~s_axil_rvalid;", "assign s_axil_arready = read;")
    with source.block("always @(posedge aclk) begin"):
        source.line(
            "if (!running) s_axil_rvalid <= 1'b0;",
            "else if (read) s_axil_rvalid <= 1'b1;",
            "else if (s_axil_rready) s_axil_rvalid <= 1'b0;",
            f"if (read) s_axil_rresp <= {OKAY};",
        )
        with source.block(f"if (read) case ({{s_axil_araddr[{wide - 1}:2], 2'b00}})", "endcase"):
            for register in found.registers:
                value = changing[register.name] if register.value is None else number(register.value, WORD)
                source.line(f"{number(register.address, wide)}: s_axil_rdata <= {value};")
            with source.block("default: begin"):
                source.line(f"s_axil_rdata <= {zeros(WORD)};", f"s_axil_rresp <= {SLVERR};")
    source.line("")


def _inner(source: Verilog, design: Timed) -> None:
    """The module with the streams."""
    names = [port.split()[-1] for port in stream_ports(design)]
    names += ["load_enable", "load_address", "load_data", "row_taken", "row_done"]
    names += ["load_bank", "input_bank"] if design.banks > 1 else []
    with source.block(f"{design.stream_top} streams (", ");"):
        source.line(".aclk(aclk),", ".aresetn(stream_resetn),")
        source.line(*(f".{name}({name})," for name in names[:-1]), f".{names[-1]}({names[-1]})")
