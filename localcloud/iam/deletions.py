"""Handles DeleteObjects with some keys denied: the other objects are deleted, and each key gets an answer, as on S3."""

from collections.abc import Collection, Mapping
from xml.etree import ElementTree

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

_END = b"</DeleteResult>"

# Write elements without a prefix: moto does not know prefixes.
ElementTree.register_namespace("", NAMESPACE)


def keys(body: bytes) -> list[str]:
    """Return the keys that a request names, in its order."""
    return [_key(one) for one in ElementTree.fromstring(body) if _name(one) == "Object"]  # noqa: S314 - from here


def without(body: bytes, denied: Collection[str]) -> bytes | None:
    """Return a request without the denied keys; None if no key remains."""
    root = ElementTree.fromstring(body)  # noqa: S314 - it came from this machine
    for one in [one for one in root if _name(one) == "Object" and _key(one) in denied]:
        root.remove(one)
    return ElementTree.tostring(root) if any(_name(one) == "Object" for one in root) else None


def with_errors(answer: bytes, denied: Mapping[str, str]) -> bytes:
    """Return an answer that also reports why the denied keys were not deleted."""
    errors = b"".join(_error(key, reason) for key, reason in denied.items())
    if not answer:
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="{NAMESPACE}">'.encode() + errors + _END
    before, _, after = answer.rpartition(_END)
    return before + errors + _END + after


def _error(key: str, reason: str) -> bytes:
    error = ElementTree.Element("Error")
    for name, text in (("Key", key), ("Code", "AccessDenied"), ("Message", reason)):
        ElementTree.SubElement(error, name).text = text
    return ElementTree.tostring(error)


def _key(entry: ElementTree.Element) -> str:
    return next((child.text or "" for child in entry if _name(child) == "Key"), "")


def _name(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]
