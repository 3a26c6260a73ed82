"""Is every mistake answered by one message that says what is wrong and what would do, and exit code 2?"""

from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("simulat alexnet", 'Unknown command "simulat". Did you mean "simulate"?'),
        ("arch shw eyeriss-v1", 'Unknown command "shw". Did you mean "show"? Available commands: list, show.'),
        ("--verbos", "Unknown "),
        ("simulate", 'Command "simulate" parameter NETWORK requires an argument.'),
        ("simulate alexnet vgg16", "unexpected argument 'vgg16'\n"),
        ("simulate alexnet --bach 4", "Unknown option: --bach. Did you mean --batch?"),
        ("simulate alexnet --batch", 'Command "simulate" parameter --batch requires an argument.'),
        ("simulate alexnet --batch 0", 'Invalid value "0" for --batch. Must be >= 1.'),
        ("simulate alexnet --batch four", 'Invalid value for --batch: unable to convert "four" into int.'),
        ("simulate alexnet --batch 4 --batch 5", "Parameter --batch specified multiple times."),
        ("simulate alexnet --seed -1", 'Invalid value "-1" for --seed. Must be >= 0.'),
        ("simulate alexnet --jobs 0", 'Invalid value "0" for --jobs. Must be >= 1.'),
        ("simulate alexnet --no-json", "Unknown option: --no-json. Did you mean --json?"),
        ("simulate alexnet -o", 'Command "simulate" parameter -o requires an argument.'),
        ("record model.onnx -o trace.npz", 'Command "record" parameter --images requires an argument.'),
        ("record model.onnx --images x.npy", 'Command "record" parameter --output requires an argument.'),
        ("networks alexnet", "unexpected argument 'alexnet'\n"),
    ],
)
def test_what_cannot_be_parsed(run: Run, argv: str, message: str) -> None:
    ran = run(*argv.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"picojoule: {message}")
    assert ran.err.endswith(" --help` shows what can be given\n")
    assert len(ran.err.splitlines()) == 2


def test_the_hint_names_the_command_that_was_meant(run: Run) -> None:
    assert "`picojoule arch show --help`" in run("arch", "show").err
    assert "`picojoule simulate --help`" in run("simulate").err
    assert "`picojoule --help`" in run("simulat").err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("simulate alexnt", "unknown network 'alexnt'; did you mean 'alexnet'?"),
        ("simulate alexnet --layers CONV9", "alexnet: no layer matches 'CONV9'; its layers: CONV1, CONV2, "),
        ("simulate alexnet --layers ,", "alexnet: no layers were asked for; name some of CONV1, "),
        (
            "simulate alexnet --images x.npy",
            "alexnet: images need a network to run on them; give an .onnx model",
        ),
        ("simulate alexnet --mapping jssc2016", "jssc2016: no such mapping or file; did you mean 'jssc2017'?"),
        ("simulate alexnet --mapping jssc2017", "jssc2017: no mapping for layer FC1, only for CONV1, CONV2, "),
        ("simulate alexnet --arch eyeriss-v2", "eyeriss-v2: no such accelerator or file; did you mean 'eyeriss-v1'?"),
        ("simulate alexnet --batch 1000000000", "CONV1: more than 2**48 MACs or ifmap words; lower the batch"),
        ("arch show eyeris", "eyeris: no such accelerator or file; did you mean 'eyeriss-v1'?"),
    ],
)
def test_what_does_not_exist(run: Run, argv: str, message: str) -> None:
    ran = run(*argv.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"picojoule: {message}")
    assert len(ran.err.splitlines()) == 1


def test_every_fault_of_an_accelerator_file_at_once(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    text = run("arch", "show", "eyeriss-v1").out
    file.write_text(
        text.replace("rows = 12", 'rows = "12"').replace("banks = 25", "banks = 0").replace("[noc]", "[nok]")
    )
    for argv in (("simulate", "alexnet", "--arch", file), ("arch", "show", file)):
        ran = run(*argv)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(
            f"picojoule: {file}: 4 faults; `picojoule arch show eyeriss-v1` prints a valid file\n"
        )
        for fault in ("pe_array.rows: ", "glb.banks: ", "noc: missing", "nok: unknown key"):
            assert f"\n  {fault}" in ran.err


@pytest.mark.parametrize(("name", "content"), [("a.toml", b"\xff\xfe"), ("b.toml", b"x = = 3")])
def test_files_that_are_not_toml(run: Run, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    for option in ("--arch", "--mapping"):
        ran = run("simulate", "alexnet", option, tmp_path / name)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(f"picojoule: {tmp_path / name}: ")
        assert "TOML" in ran.err


def test_record_checks_its_output_first(run: Run, tmp_path: Path) -> None:
    ran = run("record", "missing.onnx", "--images", "x.npy", "-o", tmp_path / "no" / "t.npz")
    assert (ran.code, ran.out) == (2, "")
    place = tmp_path / "no"
    assert ran.err == f"picojoule: {place / 't.npz'}: there is no folder {place}; create it first\n"
