"""Imports have no cycle: every file can be understood after the files that it imports."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


def check_order(imports: dict[str, set[str]]) -> None:
    """Fail if the imports have a cycle, and name its modules."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_imports_have_no_cycle() -> None:
    """Imports within functions count, too. Imports for type checkers only don't."""
    graph = grimp.build_graph("explorer", exclude_type_checking_imports=True, cache_dir=None)
    check_order({module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules})


def test_a_cycle_is_found() -> None:
    with pytest.raises(pytest.fail.Exception, match="imports"):
        check_order({"a": {"b"}, "b": {"c"}, "c": {"a"}})
