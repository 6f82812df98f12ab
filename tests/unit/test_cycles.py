"""No module imports itself by way of others: every file can be read, and understood, after those that it imports."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest


def check_order(imports: dict[str, set[str]]) -> None:
    """Fail where modules import each other in a circle, and name it."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_no_circle_of_imports() -> None:
    """Imports within functions count, too; those for type checkers alone don't."""
    graph = grimp.build_graph("explorer", exclude_type_checking_imports=True, cache_dir=None)
    check_order({module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules})


def test_a_circle_is_found() -> None:
    with pytest.raises(pytest.fail.Exception, match="imports"):
        check_order({"a": {"b"}, "b": {"c"}, "c": {"a"}})
