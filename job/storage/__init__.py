"""Read and write files by URI: on this machine, on S3 and on other object stores."""

from job.storage import shards
from job.storage.archives import Member, is_archive, path_inside, read_member, reader, reader_by_path, without_archive
from job.storage.files import (
    FileFound,
    Skipped,
    cache_folder,
    delete,
    exists_any,
    folder_exists,
    is_hidden,
    list_files,
    list_members,
    local_copy,
    look_at,
    missing_folders,
    nearest_folder,
    read_bytes,
    remove_empty_folder,
    without_hidden,
    write_bytes,
)
from job.storage.filesystem import open_filesystem
from job.storage.retry import retry
from job.storage.uri import absolute_uri, is_local, join, resolved, split_s3

__all__ = [
    "FileFound",
    "Member",
    "Skipped",
    "absolute_uri",
    "cache_folder",
    "delete",
    "exists_any",
    "folder_exists",
    "is_archive",
    "is_hidden",
    "is_local",
    "join",
    "list_files",
    "list_members",
    "local_copy",
    "look_at",
    "missing_folders",
    "nearest_folder",
    "open_filesystem",
    "path_inside",
    "read_bytes",
    "read_member",
    "reader",
    "reader_by_path",
    "remove_empty_folder",
    "resolved",
    "retry",
    "shards",
    "split_s3",
    "without_archive",
    "without_hidden",
    "write_bytes",
]
