"""Which mistakes are planted, and where: on the syntax tree, one at a time.

A mutant is named by its file, its function and the statement before and after, so that a name outlives
moved lines. The operators: comparisons (limit and direction), boolean operators (swapped, an operand
dropped), `not` dropped, conditions negated, arithmetic and bit operators, integers one up and one down, True
and False, `return` without its value, statements removed, `break` and `continue` exchanged.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LIMIT = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
OPPOSITE = {
    **{ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn},
    ast.NotIn: ast.In,
}
ARITHMETIC = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult},
    **{ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr},
    **{ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd},
}
HEADERS = {  # the expressions that a compound statement evaluates itself
    ast.If: ("test",),
    ast.While: ("test",),
    ast.For: ("iter",),
    ast.AsyncFor: ("iter",),
    ast.With: ("items",),
    ast.AsyncWith: ("items",),
    ast.Try: (),
    ast.ClassDef: (),
    ast.FunctionDef: ("args",),
    ast.AsyncFunctionDef: ("args",),
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Mutant:
    """One planted mistake. `function` is the outermost function it lies in, None outside of all."""

    path: str
    index: int
    scope: str
    function: str | None
    before: str
    after: str
    lines: tuple[int, ...]
    repeat: int

    @property
    def key(self) -> str:
        """The name that stands in `named.json`."""
        again = f" ({self.repeat})" if self.repeat else ""
        return f"{self.path} {self.scope}: {self.before} -> {self.after}{again}"


@dataclass
class _Place:
    scope: str
    function: str | None
    statement: ast.stmt


def _text(statement: ast.stmt) -> str:
    """One line of source: of a compound statement only its head."""
    if isinstance(statement, FUNCTIONS):
        return f"def {statement.name}({ast.unparse(statement.args)})"
    lines = ast.unparse(statement).split("\n")
    return lines[0] if type(statement) in HEADERS else " ".join(line.strip() for line in lines)


def _lines(statement: ast.stmt) -> tuple[int, ...]:
    last = statement.end_lineno or statement.lineno
    body = getattr(statement, "body", None)
    if type(statement) in HEADERS and body:
        last = max(statement.lineno, body[0].lineno - 1)
    return tuple(range(statement.lineno, last + 1))


def _swaps(node: ast.AST, whole_condition: bool) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """Yield `(do, undo)` for each mistake in this one node that keeps the node itself."""

    def set_field(owner: object, name: str, new: object) -> tuple[Callable[[], None], Callable[[], None]]:
        old = getattr(owner, name)
        return (lambda: setattr(owner, name, new)), (lambda: setattr(owner, name, old))

    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            tables = [LIMIT] if whole_condition and len(node.ops) == 1 else [LIMIT, OPPOSITE]
            for table in tables:
                other = table.get(type(operator))
                if other:
                    yield set_field(node, "ops", [*node.ops[:at], other(), *node.ops[at + 1 :]])
    elif isinstance(node, ast.BoolOp):
        yield set_field(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        other = ARITHMETIC.get(type(node.op))
        if other:
            yield set_field(node, "op", other())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield set_field(node, "value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield set_field(node, "value", node.value + 1)
        yield set_field(node, "value", node.value - 1)


def _is_rebound(statement: ast.Assign, names: Counter[str]) -> bool:
    """Whether the function can go on without this assignment: it sets no new name."""
    target = statement.targets[0]
    return not isinstance(target, ast.Name) or names[target.id] > 1


def _replacements(statement: ast.stmt, names: Counter[str]) -> Iterator[ast.stmt]:
    """What may stand in place of the whole statement."""
    match statement:
        case ast.Return(value=None) | ast.Raise() | ast.AugAssign() | ast.Delete():
            yield ast.Pass()
        case ast.Return(value=ast.Constant(value=None)):
            pass
        case ast.Return():
            yield ast.Return(value=ast.Constant(value=None))
        case ast.Expr(value=ast.Constant()):
            pass  # a docstring
        case ast.Expr():
            yield ast.Pass()
        case ast.Assign() if _is_rebound(statement, names):
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _expressions(
    root: ast.AST, fields: tuple[str, ...] | None = None
) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Yield `(parent, field, position, node)` for every expression under `root`, not entering statements."""
    for name, value in ast.iter_fields(root):
        if fields is not None and name not in fields:
            continue
        children = value if isinstance(value, list) else [value]
        for at, child in enumerate(children):
            if isinstance(child, ast.AST) and not isinstance(child, ast.stmt | ast.ExceptHandler):
                yield root, name, at if isinstance(value, list) else None, child
                yield from _expressions(child)


def _mutate(statement: ast.stmt) -> Iterator[None]:
    """Plant each mistake in the statement's own expressions in turn; it stands while the caller runs."""
    if isinstance(statement, ast.AugAssign):
        for do, undo in _swaps(statement, False):
            do()
            yield
            undo()
    for parent, name, at, node in _expressions(statement, HEADERS.get(type(statement))):
        is_condition = name == "test" or (name == "ifs" and isinstance(parent, ast.comprehension))
        other: ast.AST | None = None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            other = node.operand
        elif is_condition and not isinstance(node, ast.Constant):
            other = ast.UnaryOp(op=ast.Not(), operand=node)
        if other is not None:
            _put(parent, name, at, other)
            yield
            _put(parent, name, at, node)
        if isinstance(node, ast.BoolOp):
            for dropped in range(len(node.values)):
                rest = [*node.values[:dropped], *node.values[dropped + 1 :]]
                _put(parent, name, at, rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest))
                yield
                _put(parent, name, at, node)
        if _is_index_of_one(parent, node):
            continue
        for do, undo in _swaps(node, is_condition):
            do()
            yield
            undo()


def _is_index_of_one(parent: ast.AST, node: ast.AST) -> bool:
    """Whether it is the index into a tuple of one, as in `unpack("<I", data)[0]`: -1 is the same."""
    match parent:
        case ast.Subscript(value=ast.Call(func=ast.Attribute(attr="unpack" | "unpack_from"), args=args)):
            form = args[0]
            return node is parent.slice and isinstance(form, ast.Constant) and len(form.value.strip("<")) == 1
    return False


def _put(parent: ast.AST, name: str, at: int | None, node: ast.AST) -> None:
    if at is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[at] = node


def _bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        body = getattr(statement, name, None)
        if isinstance(body, list) and body:
            yield body
    for handler in getattr(statement, "handlers", ()):
        yield handler.body


def _walk(
    body: list[ast.stmt], scope: str, function: str | None, names: Counter[str]
) -> Iterator[tuple[_Place, str]]:
    """Plant every mistake in these statements; yield its place and the statement's text before."""
    for at, statement in enumerate(body):
        before = _text(statement)
        place = _Place(scope, function, statement)
        for _ in _mutate(statement):
            yield place, before
        for other in _replacements(statement, names):
            body[at] = ast.copy_location(other, statement)
            yield _Place(scope, function, body[at]), before
            body[at] = statement
        if isinstance(statement, ast.ClassDef | FUNCTIONS[0] | FUNCTIONS[1]):
            inner = statement.name if scope == "<module>" else f"{scope}.{statement.name}"
            unit = function or (inner if isinstance(statement, FUNCTIONS) else None)
            bound = Counter(
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            )
            if isinstance(statement, FUNCTIONS):
                arguments = statement.args
                every = [*arguments.args, *arguments.kwonlyargs, *arguments.posonlyargs]
                bound.update(argument.arg for argument in every)
            yield from _walk(statement.body, inner, unit, bound)
        else:
            for inner_body in _bodies(statement):
                yield from _walk(inner_body, scope, function, names)


def plant(tree: ast.Module, path: str) -> Iterator[Mutant]:
    """Yield every mutant of the module; while the caller holds one, the tree carries its mistake."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for index, (place, before) in enumerate(_walk(tree.body, "<module>", None, Counter())):
        after = _text(place.statement)
        name = (place.scope, before, after)
        yield Mutant(
            path, index, place.scope, place.function, before, after, _lines(place.statement), seen[name]
        )
        seen[name] += 1
