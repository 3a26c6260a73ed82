"""Commands run as the script runs them: `main(argv)`, with what it prints; and a simulation that takes no time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from picojoule.__main__ import main
from simulator.results import NetworkResult
from tests.report.by_hand import network_result


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process."""

    def run_command(*argv: object) -> Ran:
        code = main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return Ran(code=code, out=out, err=err)

    return run_command


@dataclass(slots=True)
class Simulations:
    """Stands for `simulate`: notes what it is asked for, and returns a result written by hand or raises."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    raises: BaseException | None = None

    def __call__(self, network: str, **options: Any) -> NetworkResult:
        self.asked.append({"network": network, **options})
        if self.raises:
            raise self.raises
        return network_result()


@pytest.fixture
def simulations(monkeypatch: pytest.MonkeyPatch) -> Simulations:
    """Puts a stand-in in the place of the simulation."""
    stand_in = Simulations()
    monkeypatch.setattr("simulator.run.simulate", stand_in)
    return stand_in
