"""Where a set of images lies in the data bucket."""

from infra.aws.names import nearest_name, require_name

_FOLDER = "images"


def set_prefix(name: str) -> str:
    """Return the prefix of a set's keys, with "/" at its end."""
    require_name(name, "The set", f"Name it: --to {nearest_name(name, 'photos')}")
    return f"{_FOLDER}/{name}/"


def set_uri(bucket: str, text: str) -> str:
    """Return where an uploaded set, or a folder in one, lies; a URI in S3 stays itself."""
    if text.startswith("s3://"):
        return text
    name, *folders = text.split("/")
    for part in (name, *(folder for folder in folders if folder in ("", ".", ".."))):
        require_name(part, "SET", "Name an uploaded set, or a folder in one: --images fruits/Training")
    return f"s3://{bucket}/{_FOLDER}/{text}"
