"""Change one operator, number or comparison of a file at a time, and name the changes that its tests let pass.

    python scripts/mutation_test.py hinted_posenet/core/geometry.py tests/core/test_geometry.py ...

The tests run in forked processes, with all libraries loaded once; the file itself is never written. The exit
code is 1 if a change survives. A change with which the tests take five minutes counts as found.
"""

import ast
import importlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.MatMult: ast.Add,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.And: ast.Or, ast.Or: ast.And, ast.USub: ast.UAdd, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
HANGS_S = 300


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Yield (what was changed, the changed source)."""
    count = sum(1 for _ in ast.walk(ast.parse(source)))
    for number in range(count):
        tree = ast.parse(source)
        node = list(ast.walk(tree))[number]
        if told := _mutate(node):
            yield f"line {getattr(node, 'lineno', '?')}: {told}", ast.unparse(tree)


def _mutate(node: ast.AST) -> str:
    """Change a node in place; return what was done, nothing where it cannot be changed."""
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.BoolOp) and type(node.op) in SWAPS:
        before, node.op = ast.unparse(node), SWAPS[type(node.op)]()  # type: ignore[assignment]
        return f"{before} -> {ast.unparse(node)}"
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        before, node.ops[0] = ast.unparse(node), SWAPS[type(node.ops[0])]()  # type: ignore[call-overload]
        return f"{before} -> {ast.unparse(node)}"
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        before, node.value = node.value, node.value + 1
        return f"{before} -> {node.value}"
    return ""


def survives(module_name: str, source: str, tests: list[str]) -> bool:
    """Return whether the tests pass with another source of a module, in a process of its own."""
    child = os.fork()
    if not child:
        signal.alarm(HANGS_S)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        module = importlib.import_module(module_name)
        exec(compile(source, str(module.__file__), "exec"), vars(module))
        os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])))
    return os.waitpid(child, 0)[1] == 0


def main() -> None:
    """Try every change of the file that the command line names."""
    file, tests = Path(sys.argv[1]), sys.argv[2:]
    module_name = ".".join(file.with_suffix("").parts)
    source = file.read_text()
    sys.path.insert(0, "tests")
    importlib.import_module("conftest")  # loads torch once
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    if not survives(module_name, source, tests):
        sys.exit(f"{' '.join(tests)}: do not pass on the file as it is")
    alive = count = 0
    for told, changed in mutants(source):
        count += 1
        if survives(module_name, changed, tests):
            alive += 1
            print(f"survived: {file} {told}", flush=True)
    print(f"{file}: {count - alive} of {count} changes found by {' '.join(tests)}")
    sys.exit(bool(alive))


if __name__ == "__main__":
    main()
