"""Where a set of images lies in the data bucket."""

from infra.aws.names import nearest_name, require_name

_FOLDER = "images"


def set_prefix(name: str) -> str:
    """Return the prefix of a set's keys, with "/" at its end.

    Parameters
    ----------
    name
        The set's name.

    Raises
    ------
    WrongUseError
        If it cannot be a set's name: it is typed on command lines and stands in URIs.
    """
    require_name(name, "The set", f"Name it: orchard upload PATH {nearest_name(name, 'photos')}")
    return f"{_FOLDER}/{name}/"


def set_uri(bucket: str, text: str) -> str:
    """Return where an uploaded set, or a folder in one, lies; a URI in S3 stays itself.

    Parameters
    ----------
    bucket
        The data bucket.
    text
        A set's name, with folders inside it after slashes; labels may have spaces and more in their names.

    Raises
    ------
    WrongUseError
        If it can be neither.
    """
    if text.startswith("s3://"):
        return text
    name, *folders = text.split("/")
    for part in (name, *(folder for folder in folders if folder in ("", ".", ".."))):
        require_name(part, "SET", "Name an uploaded set, or a folder in one: --images fruits/Training")
    return f"s3://{bucket}/{_FOLDER}/{text}"
