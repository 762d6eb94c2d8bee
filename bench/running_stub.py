"""Runs the S3 stub during a measurement: starts and fills it, points commands at it, and reads its statistics."""

import http.client
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

from bench.s3_stub import REPORT


@contextmanager
def running(*options: str) -> Iterator[str]:
    """Run a separate stub while the block lasts; yield its address.

    Parameters
    ----------
    options
        As ``python -m bench.s3_stub`` takes them.
    """
    with subprocess.Popen([sys.executable, "-m", "bench.s3_stub", *options], stdout=subprocess.PIPE, text=True) as stub:
        try:
            assert stub.stdout is not None  # noqa: S101 - asked for above
            yield f"http://127.0.0.1:{int(stub.stdout.readline())}"
        finally:
            stub.terminate()


def report(endpoint: str) -> Mapping[str, float]:
    """Return the stub's statistics so far: requests by method, objects, and seconds of processor time."""
    with urllib.request.urlopen(f"{endpoint}{REPORT}") as answer:  # noqa: S310 - our own stub
        reported: Mapping[str, float] = json.load(answer)
    return reported


def put(keys: Sequence[str], content: Callable[[str], bytes], endpoint: str, senders: int) -> None:
    """Put an object under every key, over several connections.

    Parameters
    ----------
    keys
        Bucket and path of each object.
    content
        Returns the content for a key.
    endpoint
        The stub's address.
    senders
        Number of connections.

    Raises
    ------
    RuntimeError
        If the stub refuses an object.
    """

    def put_share(share: Sequence[str]) -> None:
        connection = http.client.HTTPConnection(urlsplit(endpoint).netloc)
        for key in share:
            connection.request("PUT", quote(f"/{key}"), content(key))
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"The stub answered {answer.status} to {key}")
        connection.close()

    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(put_share, [keys[number::senders] for number in range(senders)]))


def environment(endpoint: str) -> dict[str, str]:
    """Return environment variables that point a command at the stub and away from the user's own configuration."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "measuring",
        "AWS_SECRET_ACCESS_KEY": "measuring",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
