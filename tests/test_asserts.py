"""Every test checks something: itself, or in a function beside it that it calls."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent
CHECKS = ("raises", "warns", "fail")


def does_check(function: ast.FunctionDef, others: Mapping[str, ast.FunctionDef]) -> bool:
    """Whether it asserts, or calls one of `others` that does. A fixture's name is an argument and no such call."""
    taken = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    left = {name: other for name, other in others.items() if name not in (*taken, function.name)}
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name in CHECKS or name.startswith("assert_"):  # pytest's and numpy's
                return True
            if isinstance(node.func, ast.Name) and name in left and does_check(left[name], left):
                return True
    return False


def test_every_test_checks_something() -> None:
    silent = []
    for path in sorted(FOLDER.rglob("test_*.py")):
        found = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]
        functions = {function.name: function for function in found}
        tests = [function for function in found if function.name.startswith("test_")]
        silent += [f"{path.name}:{test.lineno} {test.name}" for test in tests if not does_check(test, functions)]
    assert silent == []


def test_what_checks_nothing_is_found() -> None:
    source = """
def helper(): assert True
def fixture(): assert True
def test_by_helper(): helper()
def test_by_its_argument(fixture): fixture()
def test_of_nothing(): print(1)
"""
    functions = {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    checking = [name for name, function in functions.items() if does_check(function, functions)]
    assert checking == ["helper", "fixture", "test_by_helper"]
