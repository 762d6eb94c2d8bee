"""Shards on this machine, packed by the upload's own code."""

from pathlib import Path

from infra.upload import plan, walk
from infra.upload.photo_folder import LocalFile


def files_of(folder: Path) -> list[LocalFile]:
    """Return the files of a folder in the order in which an upload sees them."""
    return list(walk(folder))


def write_shards(folder: Path, shards: Path, size: int) -> list[Path]:
    """Pack a folder into shards of some bytes; return their paths, sorted."""
    written = []
    for shard in plan(files_of(folder), size):
        path = shards / shard.inside
        path.parent.mkdir(parents=True, exist_ok=True)
        with shard.open() as stream:
            path.write_bytes(stream.read())
        written.append(path)
    return written
