"""Is a name that is none answered with the one that was most likely meant, where one name alone is near?"""

import shutil
from pathlib import Path

import pytest

from simulator.errors import near_miss, nearby_file, suggestion
from simulator.spec.load import accelerator_text
from tests.cli.conftest import Run

LAYERS = ("CONV1", "CONV2", "FC1")


@pytest.mark.parametrize(
    ("word", "near"),
    [("alexnt", "AlexNet"), ("ALEXNET", "AlexNet"), ("vgg61", "vgg16"), ("bert", None), ("", None)],
)
def test_the_name_that_was_meant(word: str, near: str | None) -> None:
    assert near_miss(word, ("AlexNet", "vgg16", "resnet50")) == near


def test_several_equally_near_names_are_no_suggestion() -> None:
    assert near_miss("CONV9", LAYERS) is None
    assert suggestion("CONV9", LAYERS, "its layers: all") == "its layers: all"


def test_several_words_are_each_answered_or_none_is() -> None:
    assert suggestion(["CNV1", "fc11"], LAYERS, "or else") == "did you mean 'CONV1' and 'FC1'?"
    assert suggestion(["CNV1", "pool"], LAYERS, "or else") == "or else"
    assert suggestion([], LAYERS, "or else") == "or else"


def test_a_file_is_sought_beside_the_one_that_is_missing(tmp_path: Path) -> None:
    for name in ("model.onnx", "modle.npz", "a.onnx"):
        (tmp_path / name).touch()
    assert nearby_file(tmp_path / "modle.onnx", "or else") == f"did you mean '{tmp_path / 'model.onnx'}'?"
    assert nearby_file(tmp_path / "b.onnx", "or else") == "or else"
    assert nearby_file(tmp_path / "no" / "modle.onnx", "or else") == "or else"
    (tmp_path / "modle.onnx").touch()
    assert nearby_file(tmp_path / "modle.onnx", "or else") == "or else"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("estmate alexnet", 'Unknown command "estmate". Did you mean "estimate"?'),
        ("estimate alexnet --objectiv edp", "Unknown option: --objectiv. Did you mean --objective?"),
        ("estimate alexnet --objective enrgy", "--objective. Choose from: "),
        ("prune digits -o x --method magnitud", 'Did you mean "magnitude"?'),
        ("estimate alexnt", "unknown network 'alexnt'; did you mean 'alexnet'?"),
        ("estimate alexnet --arch eyeris-v1", "eyeris-v1: no such accelerator or file; did you mean 'eyeriss-v1'?"),
        ("estimate alexnet --arch mien.toml", "mien.toml: no such accelerator or file; did you mean 'mine.toml'?"),
        ("estimate alexnet --mapping jsc2017", "jsc2017: no such mapping or file; did you mean 'jssc2017'?"),
        ("estimate alexnet --layers CNV3", "alexnet: no layer matches 'CNV3'; did you mean 'CONV3'?"),
        ("explain alexnet CNV3", "alexnet: no layer matches 'CNV3'; did you mean 'CONV3'?"),
        ("estimate alexnet --energy mien.toml", "mien.toml: no such file; did you mean 'mine.toml'?"),
        ("estimate alexnet --bits mien.toml", "mien.toml: no such file; did you mean 'mine.toml'?"),
        ("estimate alexnet --bits wieght=8", "\n  wieght: unknown key; did you mean 'weight'?"),
        ("prune digts -o x", "digts: no such model or file; did you mean 'digits'?"),
        ("prune modle.onnx -o x", "modle.onnx: no such model or file; did you mean 'model.onnx'?"),
        ("prune model.onnx --data digts -o x", "digts: cannot be read (No such file or directory); did you mean 'dig"),
        ("prune digits --data digits --split tran -o x", "digits: has no split 'tran'; did you mean 'train'?"),
        ("simulate modle.onnx", "modle.onnx: no such file; did you mean 'model.onnx'?"),
        ("reproduce tabel5", "reproduce: no target 'tabel5'; did you mean 'table5'?"),
    ],
)
def test_each_kind_of_name(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: str, message: str) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").touch()
    shutil.copy(Path(__file__).parents[2] / "workloads" / "trained" / "digits.onnx", tmp_path / "model.onnx")
    ran = run(*argv.split())
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("columns = ", "colums = ", "  pe_array.colums: unknown key; did you mean 'columns'?"),
        ("[pe_array]", "[pe_aray]", "  pe_aray: unknown key; did you mean 'pe_array'?"),
        (
            "filter_words = ",
            "filters_words = ",
            "  pe.spads.separate.filters_words: unknown key; did you mean 'filter_w",
        ),
        (
            '"zero_ifmap"',
            '"zero_ifmp"',
            "'zero_ifmp' is none of never, zero_ifmap, zero_filter, zero_either; did you mean 'zero_ifmap'?",
        ),
        ("[energy.glb]", "[energy.gbl]", "  energy.gbl: unknown key; did you mean 'glb'?"),
        ("banks = ", "zzz = 1\nbanks = ", "  glb.zzz: unknown key"),
    ],
)
def test_keys_of_an_accelerator_file(run: Run, tmp_path: Path, right: str, wrong: str, message: str) -> None:
    text = accelerator_text("eyeriss-v1")
    assert right in text
    (tmp_path / "mine.toml").write_text(text.replace(right, wrong))
    lines = run("arch", "show", tmp_path / "mine.toml").err.splitlines()
    assert any(message in line and ("did you mean" in message) == ("did you mean" in line) for line in lines)


@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        ("--mapping", "[CONV1]\nem = 1\nm = 1\nmm = 1", "  CONV1.mm: unknown key; did you mean 'm'?"),
        (
            "--densities",
            "[CONV1]\nifmp = 1.0\nfilters = 1.0\nofmap = 1.0",
            "  CONV1.ifmp: unknown key; did you mean 'if",
        ),
        (
            "--densities",
            "['*']\nifmap=1.0\nfilters=1.0\nofmap=1.0\n[CNV1]\nifmap=1.0\nfilters=1.0\nofmap=1.0",
            "'CONV1'?",
        ),
        ("--bits", "weight = 8\n[CNV1]\nactivation = 16", "no layer is called CNV1; did you mean 'CONV1'?"),
        ("--energy", "unt = 'pJ'", "  unt: unknown key; did you mean 'unit'?"),
        ("--energy", "[mac]\nper_acces = 1.0", "  mac.per_acces: unknown key; did you mean 'per_access'?"),
        ("--energy", "[access.'spad.filter.rad']\nper_access = 1.0", "; did you mean 'spad.filter.read'?"),
    ],
)
def test_keys_of_other_files(run: Run, tmp_path: Path, option: str, content: str, message: str) -> None:
    (tmp_path / "mine.toml").write_text(content)
    ran = run("estimate", "alexnet", option, tmp_path / "mine.toml")
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
