"""Builds a service's request from a template's values: converts types, refuses unknown names."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from localcloud.cloudformation.resource import Client


def request(client: Client, operation: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - values of a template
    """Return the parameters of an operation, converted to the types of the service's model.

    A template may say ``"true"`` or ``"50"`` where the service requires a boolean or a number, and a parameter of
    a stack is always a string. None is left out.

    Raise ValueError for an unknown name or a value of the wrong type, TypeError where the service requires an object.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    parameters: dict[str, Any] = _fitted(given, shape, operation)
    return parameters


def call(client: Client, operation: str, **given: Any) -> Any:  # noqa: ANN401 - as the service answers
    """Call an operation with the values of a template, see `request`."""
    return getattr(client, xform_name(operation))(**request(client, operation, **given))


def _fitted(value: Any, shape: Shape, where: str) -> Any:  # noqa: ANN401 - values of a template
    if isinstance(shape, StructureShape):
        refuse_others(where, value, shape.members)
        return {
            name: _fitted(inner, shape.members[name], f"{where}.{name}")
            for name, inner in value.items()
            if inner is not None
        }
    if isinstance(shape, ListShape):
        return [_fitted(inner, shape.member, where) for inner in value]
    if isinstance(shape, MapShape):
        return {str(name): _fitted(inner, shape.value, f"{where}.{name}") for name, inner in value.items()}
    try:
        return _SCALARS.get(shape.type_name, lambda given: given)(value)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{where} must be of type {shape.type_name}, got {value!r}.") from None


def _text(value: Any) -> str:  # noqa: ANN401 - values of a template
    if isinstance(value, dict | list):
        raise TypeError
    return str(value).lower() if isinstance(value, bool) else str(value)


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": lambda value: {"true": True, "false": False}[str(value).lower()],
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "string": _text,
}


def truth(value: object) -> bool:
    """Return a boolean of a template, which may be written as a word."""
    return str(value).lower() == "true"


def document(value: object) -> str:
    """Return a policy as the JSON text that services take; a template has it as text or as an object."""
    return value if isinstance(value, str) else json.dumps(value)


def refuse_others(where: str, given: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise ``ValueError`` for an unknown name, and ``TypeError`` if ``given`` is not an object."""
    if not isinstance(given, Mapping):
        raise TypeError(f"{where} must be an object, got {given!r}.")
    for name in given:
        if name not in known:
            raise ValueError(f"The local cloud does not model {where}.{name}.")


@contextmanager
def passing_over(*codes: str) -> Iterator[None]:
    """Ignore errors of these codes: the resource to delete does not exist any more."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


@contextmanager
def undone_on_failure(undo: Callable[[], object]) -> Iterator[None]:
    """Call ``undo`` if the block fails, and raise its failure."""
    try:
        yield
    except BaseException:
        undo()
        raise
