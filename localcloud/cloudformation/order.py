"""Orders resources for creation: each after those that it needs."""

import re
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from localcloud.cloudformation.errors import RequestError
from localcloud.cloudformation.template import Declaration

_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")


def named(value: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield every name that ``Ref``, ``Fn::GetAtt`` and ``Fn::Sub`` mention inside a value."""
    if isinstance(value, list):
        for item in value:
            yield from named(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield item.split(".", 1)[0] if isinstance(item, str) else item[0]
            elif key == "Fn::Sub":
                text, own = (item, {}) if isinstance(item, str) else item
                found = (name.strip() for name in _PLACEHOLDER.findall(text))
                yield from (name.split(".", 1)[0] for name in found if name not in own)
                yield from named(own)
            else:
                yield from named(item)


def needs(declaration: Declaration, names: Collection[str]) -> set[str]:
    """Return which of the named resources a declaration refers to."""
    return {*named(dict(declaration.properties)), *declaration.depends_on} & set(names) - {declaration.logical_id}


def in_order(declarations: Mapping[str, Declaration]) -> list[str]:
    """Return logical ids, each after those that it needs, otherwise in the template's order."""
    graph: TopologicalSorter[str] = TopologicalSorter(
        {name: sorted(needs(declaration, declarations)) for name, declaration in declarations.items()}
    )
    try:
        return list(graph.static_order())
    except CycleError as error:
        circle = sorted(set(error.args[1]))
        raise RequestError(f"Circular dependency between resources: [{', '.join(circle)}]") from error
