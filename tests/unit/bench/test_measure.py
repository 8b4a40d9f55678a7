"""What a program cost, seen from outside: its processor time, its memory and its children's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import measure

BUSY = "import time\nwhile time.process_time() < 0.3: pass"
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"
LARGE = "import time; held = bytearray(200_000_000); held[::4096] = b'x' * len(held[::4096]); time.sleep(2.0)"
TWO = f"import subprocess, sys; [p.wait() for p in [subprocess.Popen([sys.executable, '-c', {LARGE!r}]) for _ in '12']]"


def run(code: str, folder: Path) -> measure.Cost:
    return measure.run([sys.executable, "-c", code], folder / "log")


@pytest.mark.parametrize("code", [BUSY, CHILD])
def test_the_processor_time_of_a_program_and_its_children_is_counted(code: str, tmp_path: Path) -> None:
    cost = run(code, tmp_path)
    assert cost.exit_code == 0
    assert 0.3 <= cost.cpu_s < 2.0
    assert cost.wall_s > 0.25


def test_a_waiting_program_costs_no_processor_time(tmp_path: Path) -> None:
    cost = run("import time; time.sleep(0.6)", tmp_path)
    assert cost.wall_s >= 0.6
    assert cost.cpu_s < 0.3


def test_memory_of_the_largest_process_and_of_all_together(tmp_path: Path) -> None:
    cost = run(TWO, tmp_path)
    assert 190 < cost.process_mb < 320
    assert 380 < cost.tree_mb < 700


def test_a_run_does_not_remember_the_memory_of_an_earlier_one(tmp_path: Path) -> None:
    run(LARGE, tmp_path)
    assert run("import time; time.sleep(0.6)", tmp_path).process_mb < 100


def test_what_a_failing_program_says_is_in_its_log(tmp_path: Path) -> None:
    cost = run("raise SystemExit('no such thing')", tmp_path)
    assert cost.exit_code == 1
    assert (tmp_path / "log").read_text() == "no such thing\n"


def test_the_environment_is_added_to(tmp_path: Path) -> None:
    code = "import os; print(os.environ['ADDED'], 'PATH' in os.environ)"
    measure.run([sys.executable, "-c", code], tmp_path / "log", {"ADDED": "yes"})
    assert (tmp_path / "log").read_text() == "yes True\n"


def test_a_family_is_a_process_and_all_below_it() -> None:
    table = "  1 0 1024\n 7 1 1024\n 9 7 2048\n 12 9 1024\n 8 1 4096\n"
    assert measure.family_mb(table, 7) == [1.0, 2.0, 1.0]
    assert measure.family_mb(table, 8) == [4.0]
    assert sum(measure.family_mb(table, 1)) == 9.0
    assert measure.family_mb(table, 99) == []


def test_a_child_may_have_a_lower_number_than_its_parent() -> None:
    assert measure.family_mb("3 5 1024\n5 90 1024\n90 1 1024\n", 90) == [1.0, 1.0, 1.0]
