"""Holds TorchScript's code to a list of what networks need, and writes it anew from what was understood of it.

TorchScript looks like Python and is read by PyTorch's own lexer, which sees blanks, line ends and names otherwise than
anything that searches its text. So the text is parsed, every operator, name and attribute in it is looked up, and
PyTorch is given what `ast.unparse` makes of the tree: only what was checked, in one way of writing.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping

import torch

from realtime.core.errors import shown
from tools.exporting.operators import SCRIPT_OPERATORS, SCRIPT_PRIMITIVES, is_tensor_operator

_MEMBER = re.compile(r"code/((?:\w+/)*\w+)\.py")
_MOST_LETTERS = 4_000_000
"""A traced network of a thousand layers is half a million letters long."""


class ForeignCodeError(Exception):
    """The code is none that a network needs. `args[0]` names what it asks for."""


def checked_code(sources: Mapping[str, bytes]) -> dict[str, str]:
    """Return code by its members' names, written anew. Raises ForeignCodeError."""
    if sum(map(len, sources.values())) > _MOST_LETTERS:
        raise ForeignCodeError("more code than any network here has")
    trees = {name: _parsed(name, source) for name, source in sources.items()}
    defined = frozenset(full for name, tree in trees.items() for full in _definitions(name, tree))
    try:
        return {name: ast.unparse(_Checker(defined).visit(tree)) + "\n" for name, tree in trees.items()}
    except RecursionError:
        raise ForeignCodeError("code nested too deep") from None


def _parsed(name: str, source: bytes) -> ast.Module:
    if not _MEMBER.fullmatch(name):
        raise ForeignCodeError(f"code in '{shown(name)}'")
    try:
        return ast.parse(source.decode("utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ForeignCodeError(f"code in '{shown(name)}' that does not read as TorchScript") from None


def _definitions(name: str, tree: ast.Module) -> list[str]:
    """Return the full names of what a file defines."""
    match = _MEMBER.fullmatch(name)
    assert match is not None
    module = match[1].replace("/", ".")
    if not module.startswith("__torch__") or module.startswith("__torch__.torch.classes"):
        raise ForeignCodeError(f"code in '{shown(name)}'")
    return [f"{module}.{part.name}" for part in tree.body if isinstance(part, ast.ClassDef | ast.FunctionDef)]


@functools.cache
def _registered() -> frozenset[str]:
    """Return every name that a method's call may reach: operators are methods of their first argument."""
    schemas = torch._C._jit_get_all_schemas()
    return frozenset(schema.name.partition("::")[2] for schema in schemas)


def _is_operator(name: str) -> bool:
    return is_tensor_operator(name) or name in SCRIPT_OPERATORS


class _Checker(ast.NodeTransformer):
    """Walks everything; a kind of node that has no method here and is not among `_PLAIN_NODES` is refused."""

    def __init__(self, defined: frozenset[str]) -> None:
        self._defined = defined
        self._known: frozenset[str] = _CLASS_WORDS

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, _PLAIN_NODES):
            raise ForeignCodeError(f"a {type(node).__name__} in its code")
        return super().generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        bases = [base.id if isinstance(base, ast.Name) else "" for base in node.bases]
        if node.decorator_list or node.keywords or not set(bases) <= _BASES:
            raise ForeignCodeError(f"the class {shown(node.name)}")
        node.body = [self.visit(part) for part in node.body]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        taken = node.args
        if node.decorator_list or taken.vararg or taken.kwarg or taken.kwonlyargs or taken.posonlyargs:
            raise ForeignCodeError(f"the function {shown(node.name)}")
        _refuse_operator(node.name)
        outside, self._known = self._known, self._known | _stored(node)
        node.args = self.visit(taken)
        node.body = [self.visit(part) for part in node.body]
        node.returns = self.visit(node.returns) if node.returns is not None else None
        self._known = outside
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Call) and _dotted(node.value.func) == ["torch", "warn"]:
            return ast.Pass()
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not isinstance(node.func, ast.Name | ast.Attribute) or any(key.arg is None for key in node.keywords):
            raise ForeignCodeError("a call of what was worked out")
        if _dotted(node.func) == ["ops", "prim", "RaiseException"]:
            del node.args[1:]  # the name of a class, that Python would be asked for
        if isinstance(node.func, ast.Name) and node.func.id == "getattr":
            name = node.args[1] if len(node.args) == 2 else None
            if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
                raise ForeignCodeError("a member whose name was worked out")
            _refuse_operator(name.value)
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        dotted = _dotted(node)
        match dotted:
            case ["torch", name] if _is_operator(name):
                return node
            case ["ops", "aten", name] if _is_operator(name):
                return node
            case ["ops", "prim", name] if name in SCRIPT_PRIMITIVES:
                return node
            case ["CONSTANTS", name] if re.fullmatch(r"c\d+", name):
                return node
            case ["__torch__", *_] if ".".join(dotted) in self._defined:
                return node
            case [root, *_] if root in _ROOTS:
                raise ForeignCodeError(".".join(dotted))
        _refuse_operator(node.attr)
        node.value = self.visit(node.value)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in _ROOTS or (isinstance(node.ctx, ast.Load) and node.id not in self._known):
            raise ForeignCodeError(node.id)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        value = node.value
        if isinstance(value, str):
            # Of a text no letter matters that could end it early: those are only in what errors say.
            return ast.Constant(_UNPLAIN.sub("?", value))
        if isinstance(value, int | float) and abs(value) > _LARGEST and value not in _INFINITIES:
            raise ForeignCodeError("a number that TorchScript has not")
        if value is not None and not isinstance(value, int | float):
            raise ForeignCodeError(f"a {type(value).__name__} in its code")
        return ast.Constant(value)


def _stored(function: ast.FunctionDef) -> frozenset[str]:
    """Return the names that a function gives to values of its own."""
    names = {argument.arg for argument in function.args.args}
    names |= {part.id for part in ast.walk(function) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    foreign = names & (_ROOTS | {"print"})
    if foreign:
        raise ForeignCodeError(min(foreign))
    return frozenset(names)


def _dotted(node: ast.AST) -> list[str]:
    """Return `torch.nn.relu` as its parts; nothing where it hangs on something worked out."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return [node.id, *parts] if isinstance(node, ast.Name) else []


def _refuse_operator(name: str) -> None:
    """Refuse a member's name that is an operator's and not on the list: `picture.save` is `torch.save`."""
    if not _is_operator(name) and name not in SCRIPT_PRIMITIVES and name in _registered():
        raise ForeignCodeError(name)


_ROOTS = frozenset({"torch", "ops", "CONSTANTS", "__torch__"})
_BASES = {"Module", "NamedTuple"}
_TYPES = frozenset(
    {
        *("Tensor", "int", "float", "bool", "str", "NoneType", "number", "Device", "Any", "Final"),
        *("List", "Tuple", "Optional", "Dict", "Union"),
    }
)
_CLASS_WORDS = _TYPES | {
    *("range", "len", "getattr", "annotate", "unchecked_cast", "uninitialized", "isinstance", "list", "tuple", "dict"),
    *("min", "max", "abs", "inf", "nan", "__annotations__", "Module"),
}
_UNPLAIN = re.compile(r"""[^ -~]|['"\\]""")
_LARGEST = (1 << 63) - 1
_INFINITIES = (float("inf"), float("-inf"))
_PLAIN_NODES = (
    *(ast.Module, ast.arguments, ast.arg, ast.keyword, ast.expr_context, ast.operator, ast.unaryop, ast.boolop),
    *(ast.cmpop, ast.Assign, ast.AnnAssign, ast.Return, ast.If, ast.While, ast.For, ast.Expr, ast.Pass, ast.Break),
    *(ast.Continue, ast.Call, ast.Tuple, ast.List, ast.Dict, ast.Subscript, ast.Slice, ast.BinOp, ast.UnaryOp),
    *(ast.BoolOp, ast.Compare, ast.IfExp),
)
