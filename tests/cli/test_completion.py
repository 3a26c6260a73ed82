"""Does the script of `picojoule completion` have a shell complete commands, options and values?"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run

# What bash does at a tab: the function that the script names is called with the words of the line so far.
AT_A_TAB = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
[[ $(complete -p picojoule) =~ -F\\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" picojoule "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["est"], {"estimate"}),
        (["arch", ""], {"list", "show"}),
        (["prune", "comp"], {"compare"}),
        (["estimate", "--ob"], {"--objective"}),
        (["estimate", "alexnet", "--objective", ""], {"energy", "latency", "edp"}),
        (["simulate", "alexnet", "--batch", "4", "--func"], {"--functional"}),
        (["completion", "z"], {"zsh"}),
    ],
)
def test_bash(run: Run, tmp_path: Path, words: list[str], completed: set[str]) -> None:
    script = tmp_path / "script"
    script.write_text(run("completion", "bash").out)
    command = ["bash", "-c", AT_A_TAB, "bash", str(script), "picojoule", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == completed


@pytest.mark.parametrize(
    ("shell", "first"), [("zsh", "#compdef picojoule"), ("fish", "# Fish completion for picojoule")]
)
def test_other_shells(run: Run, shell: str, first: str) -> None:
    ran = run("completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(first)
    assert all(word in ran.out for word in ("estimate", "objective", "edp"))


def test_a_shell_that_is_none(run: Run) -> None:
    ran = run("completion", "bsh")
    assert (ran.code, ran.out) == (2, "")
    assert 'Did you mean "bash"?' in ran.err
