"""A minimal S3 on the loopback for measurements: PUT, GET, HEAD and ListObjectsV2, as aws and boto3 send them.

It also answers CloudFormation, which bucket the stack has, and the service of tags: none. The bucket is named "data".

It checks no signatures, keeps objects in memory up to a limit, and stops when it receives no requests for a while or
its parent process has ended. It is one asyncio thread without a framework, so that the client is what is measured:

    python -m bench.s3_stub --port 0        # prints the port; GET /-/report returns its statistics so far
"""

import argparse
import asyncio
import base64
import bisect
import hashlib
import json
import os
import re
import resource
import sys
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

REPORT = "/-/report"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")

MOST_KEYS = 1000
"""Maximum number of keys in one answer, as in S3."""

LAST_CHARACTER = "\U0010ffff"
"""Sorts after every other key."""

STACK = (
    "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>OrchardData</StackName>"
    "<StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs><member>"
    "<OutputKey>DataBucket</OutputKey><OutputValue>data</OutputValue></member></Outputs></member></Stacks>"
    "</DescribeStacksResult></DescribeStacksResponse>"
)

NO_TAGS = b'{"ResourceTagMappingList": []}'

PHRASES: Mapping[int, str] = {
    200: "OK",
    206: "Partial Content",
    400: "Bad Request",
    404: "Not Found",
    501: "Not Implemented",
    507: "Insufficient Storage",
}


class Store:
    """The objects of all buckets.

    Parameters
    ----------
    limit
        Most bytes of content.
    """

    def __init__(self, limit: int) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self._limit = limit
        self._held = 0
        self._sorted: list[str] | None = None

    def put(self, path: str, content: bytes) -> str | None:
        """Keep an object; return its ETag, or None if the store is full."""
        before = self.objects.get(path)
        grown = len(content) - (len(before[0]) if before else 0)
        if self._held + grown > self._limit:
            return None
        self._held += grown
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self.objects[path] = (content, etag)
        self._sorted = None
        return etag

    def next_after(self, path: str) -> str | None:
        """Return the first path after one, as they are sorted; None if there is none."""
        if self._sorted is None:
            self._sorted = sorted(self.objects)
        place = bisect.bisect_right(self._sorted, path)
        return self._sorted[place] if place < len(self._sorted) else None


class Conversation(asyncio.Protocol):
    """One connection: requests in, answers out, in order.

    Parameters
    ----------
    store
        Where objects are kept.
    counted
        Requests by method, for the report; ``last`` is the time of the latest one.
    delay
        Seconds before each answer, as the latency of a network and a busy service.
    """

    def __init__(self, store: Store, counted: dict[str, float], delay: float) -> None:
        self._store = store
        self._delay = delay
        self._counted = counted
        self._came = bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport that answers are written to."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        self._came += data
        while True:
            if self._head is None:
                end = self._came.find(b"\r\n\r\n")
                if end < 0:
                    return
                self._head = _parse(bytes(self._came[:end]))
                del self._came[: end + 4]
                headers = self._head[2]
                self._wanted = int(headers.get("content-length", "0"))
                if headers.get("expect") == "100-continue":
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if len(self._came) < self._wanted:
                return
            body = bytes(self._came[: self._wanted])
            del self._came[: self._wanted]
            method, target, headers = self._head
            self._head = None
            self._counted[method] = self._counted.get(method, 0) + 1
            self._counted["last"] = time.monotonic()
            self._answer(method, target, headers, body)

    def _answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        path, _, query = target.partition("?")
        if path == REPORT:
            self._send(200, {}, json.dumps(report(self._counted, len(self._store.objects))).encode())
            return
        bucket, _, key = unquote(path)[1:].partition("/")
        if method == "PUT" and key:
            self._put(f"{bucket}/{key}", headers, body)
        elif method in ("GET", "HEAD") and key:
            self._get(f"{bucket}/{key}", method, headers.get("range", ""))
        elif method == "GET":
            self._send(200, {}, listing(self._store, bucket, dict(parse_qsl(query, keep_blank_values=True))))
        elif method == "POST" and not bucket:
            self._send(200, {}, NO_TAGS if "x-amz-target" in headers else STACK.encode())
        elif method == "HEAD" or (method == "PUT" and not key):
            self._send(200, {}, b"")
        else:
            self._fail(501, "NotImplemented")

    def _put(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        if "aws-chunked" in headers.get("content-encoding", ""):
            self._fail(501, "NotImplemented")
            return
        digest = headers.get("content-md5")
        etag = self._store.put(path, body)
        if etag is None:
            self._fail(507, "StubIsFull")
        elif digest and base64.b64decode(digest).hex() != etag:
            self._fail(400, "BadDigest")
        else:
            self._send(200, {"ETag": f'"{etag}"'}, b"")

    def _get(self, path: str, method: str, asked: str) -> None:
        found = self._store.objects.get(path)
        if found is None:
            self._fail(404, "NoSuchKey", silent=method == "HEAD")
            return
        content, etag = found
        headers, status = {"ETag": f'"{etag}"'}, 200
        if method == "GET" and (match := _RANGE.fullmatch(asked)):
            start, end = int(match[1]), min(int(match[2] or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            content, status = content[start : end + 1], 206
        self._send(status, headers, content, silent=method == "HEAD")

    def _fail(self, status: int, code: str, *, silent: bool = False) -> None:
        body = f"<Error><Code>{code}</Code><Message>{PHRASES[status]}</Message></Error>"
        self._send(status, {}, body.encode(), silent=silent)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes, *, silent: bool = False) -> None:
        lines = [f"HTTP/1.1 {status} {PHRASES[status]}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        answer = head if silent else head + body
        if self._delay:
            # Clients send the next request after the answer, so that answers stay in order.
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)
        else:
            self._transport.write(answer)


def listing(store: Store, bucket: str, asked: Mapping[str, str]) -> bytes:
    """Return one page of ListObjectsV2 as XML."""
    prefix, most = asked.get("prefix", ""), min(int(asked.get("max-keys", MOST_KEYS)), MOST_KEYS)
    delimiter, encoded = asked.get("delimiter", ""), asked.get("encoding-type") == "url"
    # The token is the path after which the next page begins.
    token, start = unquote(asked.get("continuation-token", "")), asked.get("start-after", "")
    rows: list[str] = []
    last, more = token or f"{bucket}/{start or prefix[:-1]}", False
    while path := store.next_after(last):
        if not path.startswith(f"{bucket}/{prefix}"):
            if path > f"{bucket}/{prefix}":
                break
            last = path
            continue
        if len(rows) == most:
            more = True
            break
        key = path[len(bucket) + 1 :]
        folder, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        if found:
            shared = f"{prefix}{folder}{delimiter}"
            rows.append(f"<CommonPrefixes><Prefix>{_shown(shared, encoded)}</Prefix></CommonPrefixes>")
            # Past all keys with this prefix
            last = f"{bucket}/{shared}{LAST_CHARACTER}"
            continue
        content, etag = store.objects[path]
        rows.append(
            f"<Contents><Key>{_shown(key, encoded)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;{etag}&quot;</ETag><Size>{len(content)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )
        last = path
    following = f"<NextContinuationToken>{quote(last)}</NextContinuationToken>" if more else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>'
        f"<Name>{bucket}</Name><Prefix>{_shown(prefix, encoded)}</Prefix><Delimiter>{delimiter}</Delimiter>"
        f"<KeyCount>{len(rows)}</KeyCount><MaxKeys>{most}</MaxKeys>"
        f"{'<EncodingType>url</EncodingType>' if encoded else ''}"
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{following}{''.join(rows)}</ListBucketResult>"
    ).encode()


def _shown(key: str, encoded: bool) -> str:
    return quote(key) if encoded else escape(key)


def report(counted: Mapping[str, float], objects: int) -> dict[str, float]:
    """Return requests by method, objects held, and the processor time of this process in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    requests = {name: count for name, count in counted.items() if name != "last"}
    return {**requests, "objects": objects, "processor_seconds": used.ru_utime + used.ru_stime}


async def serve(port: int, limit: int, idle: float, delay: float) -> None:
    """Print the port, then answer until ``idle`` seconds pass without a request or the parent process has ended."""
    store, counted, parent = Store(limit), {"last": time.monotonic()}, os.getppid()
    server = await asyncio.get_running_loop().create_server(
        lambda: Conversation(store, counted, delay), "127.0.0.1", port, backlog=512
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    while time.monotonic() - counted["last"] < idle and os.getppid() == parent:
        await asyncio.sleep(0.5)


def main(argv: list[str] | None = None) -> int:
    """Run the stub; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.s3_stub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=256 * 2**20, help="bytes kept at most (default: %(default)s)")
    parser.add_argument("--idle", type=float, default=60, help="seconds without a request before it stops")
    parser.add_argument("--delay", type=float, default=0, help="seconds before each answer (default: %(default)s)")
    given = parser.parse_args(argv)
    asyncio.run(serve(given.port, given.limit, given.idle, given.delay))
    return 0


def _parse(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    if target.startswith("http"):
        parts = urlsplit(target)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {}
    for line in rest:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return method, target, headers


if __name__ == "__main__":
    sys.exit(main())
