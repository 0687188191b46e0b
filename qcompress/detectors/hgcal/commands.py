"""`qcompress econt`: the chip on files. Thin; the chip is imported when a command runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qcompress.detectors.command_options import Replace
from qcompress.errors import QcompressError
from qcompress.files import refuse_inputs, refuse_what_is_there

if TYPE_CHECKING:
    from qcompress.fixedpoint import Overflow

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The ECON-T chip, bit by bit: words to frames and back, registers of a candidate.",
)

InitYaml = Annotated[Path, typer.Argument(metavar="INIT.YAML", help="Register file of the chip.")]
TcOrder = Annotated[
    str | None, typer.Option(help="Order of trigger cells in a word, msb or lsb (default: the file's generation).")
]
Links = Annotated[int | None, typer.Option("--etx", help="Active output links (default: the register file's).")]


@app.callback()
def econt() -> None:
    """The ECON-T chip, bit by bit: words to frames and back, registers of a candidate."""


@app.command()
def run(
    init_yaml: InitYaml,
    source: Annotated[Path, typer.Argument(metavar="INPUT.CSV", help="Input words, 12 a bunch crossing.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT.CSV", help="Link words to write, 13 a bunch crossing.")],
    tc_order: TcOrder = None,
    etx: Links = None,
    overflow: Annotated[str, typer.Option(help="Of the encoder's activations and latents: WRAP or SAT.")] = "WRAP",
    replace: Replace = False,
) -> None:
    """What the chip sends for a file of input words.

    \f

    init_yaml: register file; source: words, 12 a bunch crossing; target: link words to write; tc_order: msb or lsb, the
    file's generation's if None; etx: active links, the registers' if None; overflow: WRAP or SAT; replace: a target
    that is there and no earlier one of this command. Raises QcompressError for that otherwise, or for an input.
    """
    from qcompress.detectors.hgcal.econt.chip import run_file
    from qcompress.detectors.hgcal.econt.word_files import OUTPUT_HEX

    refuse_inputs(target, source, init_yaml)
    refuse_what_is_there(target, replace, own=f"{OUTPUT_HEX.header}\n")
    rows = run_file(init_yaml, source, target, tc_order, etx, overflow=_overflow(overflow))
    typer.echo(f"{rows} bunch crossings written to {target}")


@app.command()
def decode(
    init_yaml: InitYaml,
    source: Annotated[Path, typer.Argument(metavar="OUTPUT.CSV", help="Link words, 13 a bunch crossing.")],
    fields: Annotated[Path | None, typer.Option(help="Write the unpacked fields to this CSV file.")] = None,
    charges: Annotated[Path | None, typer.Option(help="Write 48 charges a frame to this CSV file.")] = None,
    sharing: Annotated[
        str | None, typer.Option(help="Super trigger cells: whole sum at the largest, or shared.")
    ] = None,
    etx: Links = None,
    replace: Replace = False,
) -> None:
    """Unpack link words into fields and charges; without a file to write, the first frames are printed.

    \f

    init_yaml: register file; source: link words, 13 a bunch crossing; fields, charges: CSV files to write; sharing:
    whole or shared, of the sums of super trigger cells, for charges alone; etx: active links, the registers' if None;
    replace: files that are there and no earlier ones of this command. Raises QcompressError for those otherwise, and
    where these contradict each other.
    """
    from qcompress.detectors.hgcal.econt.chip import decode_file

    if fields is not None and charges is not None and fields.resolve() == charges.resolve():
        raise QcompressError(f"{fields}: fields and charges need a file each")
    if sharing is not None and charges is None:
        raise QcompressError("--sharing belongs to --charges; give a file for the charges")
    if fields is None and charges is None:
        for line in _first_frames(init_yaml, source, etx):
            typer.echo(line)
        return
    for target, own in ((fields, "header,"), (charges, "CALQ_0,CALQ_1,")):
        if target is not None:
            refuse_what_is_there(target, replace, own)
    frames = decode_file(init_yaml, source, fields, charges_csv=charges, etx=etx, decoding=sharing)
    typer.echo(f"{frames} frames decoded")


def _first_frames(init_yaml: Path, source: Path, etx: int | None, count: int = 8) -> list[str]:
    """Column names and the first frames, as `--fields` would write them."""
    import tempfile

    from qcompress.detectors.hgcal.econt.chip import decode_file

    with tempfile.TemporaryDirectory(prefix="qcompress-") as folder:
        path = Path(folder) / "fields.csv"
        decode_file(init_yaml, source, path, etx=etx)
        with path.open() as stream:
            return [line.rstrip("\n") for line, _ in zip(stream, range(count + 1), strict=False)]


@app.command()
def registers(
    candidate: Annotated[Path, typer.Argument(metavar="CANDIDATE", help="A candidate with arithmetic: econt.")],
    init_yaml: Annotated[Path, typer.Argument(metavar="INIT.YAML", help="Register file to write.")],
    etx: Annotated[int | None, typer.Option(help="Links (default: as many as its latents need).")] = None,
    words: Annotated[Path | None, typer.Option(help="Input words: count the rows that overflow.")] = None,
    replace: Replace = False,
) -> None:
    """Write the registers that load a candidate into the chip; says which neurons can overflow.

    \f

    candidate: its folder; init_yaml: register file to write; etx: links, as many as the latents need if None; words:
    CSV of input words whose overflowing rows are counted; replace: a register file that is there. Raises QcompressError
    for one that is there otherwise.
    """
    from qcompress.candidate import Candidate
    from qcompress.detectors.hgcal.econt.registers import write_registers
    from qcompress.detectors.hgcal.encoder.deployment import firmware_registers, overflow_lines

    refuse_what_is_there(init_yaml, replace)
    loaded, overflow = firmware_registers(Candidate.open(candidate).firmware(), etx)
    lines = overflow_lines(loaded, overflow, words)
    write_registers(loaded, init_yaml)
    kept = loaded.keep_mask.bit_count()
    typer.echo(f"{init_yaml}: 2144 weights, {loaded.links} links, {kept} of 144 latent bits sent")
    for line in lines:
        typer.echo(line)


def _overflow(text: str) -> "Overflow":
    from qcompress.fixedpoint import Overflow

    if text not in ("WRAP", "SAT"):
        raise QcompressError(f"--overflow {text}: give WRAP or SAT")
    return Overflow(text)
