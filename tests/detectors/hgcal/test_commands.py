"""`qcompress econt` from outside: every reference case through the command, bad input in one line."""

import json

import pandas as pd
import pytest

INPUT_HEADER = ",".join(f"RX_DATA_{k}" for k in range(12))


def cases():
    names = """mcDataset/RPT_13eTx mcDataset/TS_Thr47_13eTx mcDataset/TS_Thr47_5eTx_MRL mcDataset/TS_Thr47_2eTx_MRL
    mcDataset/BC_1eTx mcDataset/BC_1eTx_FullSum mcDataset/BC_5eTx mcDataset/BC_10eTx mcDataset/STC_type0_eTx2
    mcDataset/STC_type0_eTx5 mcDataset/STC_type1_eTx1 mcDataset/STC_type3_eTx3
    mcDataset/AE_8x8_c8_S2_ele_qkeras randomPatternExpInTC/BC_5eTx randomPatternExpInTC/TS
    counterPatternInTC/RPT"""
    return names.split()


def test_the_list_of_cases_is_the_manifests(data_file):
    assert cases() == list(json.loads(data_file("econt/manifest.json").read_text())["cases"])


@pytest.mark.parametrize("case", cases())
def test_run_gives_the_reference_words(case, data_file, qcompress, tmp_path):
    links = json.loads(data_file("econt/manifest.json").read_text())["cases"][case]["etx"]
    init, source = data_file(f"econt/{case}/init.yaml"), data_file(f"econt/{case.split('/')[0]}/testInput.csv")
    options = ["--etx", links] if "AE" in case else []
    done = qcompress("econt", "run", init, source, tmp_path / "out.csv", *options)
    assert done.returncode == 0, done.stderr
    got, expected = (
        path.read_text().splitlines() for path in (tmp_path / "out.csv", data_file(f"econt/{case}/testOutput.csv"))
    )
    assert got[0] == expected[0]
    identical = sum(a.split(",")[:links] == b.split(",")[:links] for a, b in zip(got[1:], expected[1:], strict=True))
    assert identical == 3564


@pytest.mark.parametrize(
    "command",
    [
        ("econt", "run", "{init}", "{words}", "out.csv"),
        ("econt", "decode", "{init}", "{links}", "--fields", "out.csv"),
        ("econt", "decode", "{init}", "{links}", "--charges", "out.csv"),
        ("econt", "registers", "none", "out.csv"),
        ("data", "export", "none.h5", "out.csv"),
    ],
    ids=" ".join,
)
def test_nothing_that_is_there_is_replaced_unasked(command, data_file, qcompress, tmp_path):
    case = "econt/mcDataset/STC_type3_eTx3"
    files = {"init": data_file(f"{case}/init.yaml"), "links": data_file(f"{case}/testOutput.csv")}
    files["words"] = data_file("econt/mcDataset/testInput.csv")
    (tmp_path / "out.csv").write_text("mine")
    arguments = [part.format(**files) for part in command]
    done = qcompress(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: out.csv: is there already; give another file, or --replace\n")
    assert (tmp_path / "out.csv").read_text() == "mine"
    if "{init}" in command:
        done = qcompress(*arguments, "--replace", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        written = (tmp_path / "out.csv").read_text()
        assert len(written.splitlines()) == 3565
        (tmp_path / "out.csv").write_text("\n".join(written.splitlines()[:9]) + "\n")
        assert qcompress(*arguments, cwd=tmp_path).returncode == 0  # an earlier table of its own
        assert (tmp_path / "out.csv").read_text() == written


def test_decode_prints_the_first_frames_or_writes_all(data_file, qcompress, tmp_path):
    init, output = (data_file(f"econt/mcDataset/STC_type3_eTx3/{name}") for name in ("init.yaml", "testOutput.csv"))
    printed = qcompress("econt", "decode", init, output)
    assert printed.returncode == 0, printed.stderr
    lines = printed.stdout.splitlines()
    assert len(lines) == 9
    assert lines[0].startswith("header,address_0,")
    done = qcompress(
        "econt",
        "decode",
        init,
        output,
        "--fields",
        tmp_path / "f.csv",
        "--charges",
        tmp_path / "c.csv",
        "--sharing",
        "shared",
    )
    assert done.stdout == "3564 frames decoded\n"
    fields, charges = pd.read_csv(tmp_path / "f.csv"), pd.read_csv(tmp_path / "c.csv")
    assert len(fields) == len(charges) == 3564
    assert ",".join(map(str, fields.iloc[0])) == lines[1]
    assert (charges["CALQ_0"] == charges["CALQ_3"]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "none.yaml", "in.csv", "out.csv"], "none.yaml: cannot be read"),
        (["run", "bad.yaml", "in.csv", "out.csv"], "bad.yaml"),
        (["run", "init.yaml", "none.csv", "out.csv"], "none.csv"),
        (["run", "init.yaml", "short.csv", "out.csv"], "short.csv, row 1"),
        (["run", "init.yaml", "in.csv", "no/out.csv"], "no/out.csv: cannot be written"),
        (["run", "init.yaml", "in.csv", "out.csv", "--overflow", "SAT_SYM"], "give WRAP or SAT"),
        (["run", "init.yaml", "in.csv", "out.csv", "--tc-order", "up"], "neither msb nor lsb"),
        (["run", "init.yaml", "in.csv", "out.csv", "--etx", "14"], "allowed is 1..13"),
        (["decode", "init.yaml", "in.csv"], "input words of the chip"),
        (["decode", "init.yaml", "in.csv", "--sharing", "shared"], "--sharing belongs to --charges"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments, message, data_file, qcompress, tmp_path):
    (tmp_path / "init.yaml").write_text(data_file("econt/mcDataset/STC_type3_eTx3/init.yaml").read_text())
    (tmp_path / "bad.yaml").write_text("Mux: [1, 2]\n")
    (tmp_path / "in.csv").write_text(f"{INPUT_HEADER}\n" + ",".join(["90000000"] * 12) + "\n")
    (tmp_path / "short.csv").write_text(f"{INPUT_HEADER}\n90000000,9000\n")
    before = sorted(p.name for p in tmp_path.iterdir())
    done = qcompress("econt", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_help_is_there(qcompress):
    assert " econt " in qcompress("--help").stdout
    done = qcompress("econt", "--help")
    assert done.returncode == 0
    for name in ("run", "decode", "registers"):
        assert f" {name} " in done.stdout
