"""What tests of several rooms share: sample photos, an exported backbone, and an S3 server on this machine."""

import logging
import os
import signal
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import boto3
import botocore.session
import pytest
from moto.server import ThreadedMotoServer
from pyspark import SparkContext

from infra.commands.sample_photos import draw_photos
from job.features.network import IMAGENET, RANDOM
from job.features.network.export import ExportRequest, cached_export
from job.images import listing
from job.spark import session

REAL_PHOTOS = Path(__file__).parent.parent.parent / "shared" / "data"
"""Photos and weights that stand beside some checkouts; tests that need them skip where they are absent."""

REAL_WEIGHTS = REAL_PHOTOS.parent / "weights" / "mobilenet_v2_imagenet_224_no_top.weights.h5"

needs_real_photos = pytest.mark.skipif(
    not (REAL_PHOTOS.is_dir() and REAL_WEIGHTS.is_file()),
    reason=f"needs ../shared/data with real photos and ../shared/weights/{REAL_WEIGHTS.name}",
)


# Java's second, thorough compiler takes more processor time from a run of a few photos than it gives back.
for _started_by in ("SPARK_SUBMIT_OPTS", "SPARK_LAUNCHER_OPTS"):
    os.environ.setdefault(_started_by, "-XX:TieredStopAtLevel=1")

# In the background a suite starts with SIGINT ignored, and so would every process that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Each session reads AWS's descriptions of its services anew, a third of a second of work, and tests make hundreds.
botocore.session.create_loader = cache(botocore.session.create_loader)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with most slow tests first: a long file dealt last keeps one process busy while the others wait."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session")
def sample_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of drawn photos: 10 labels, 4 photos each. Read only."""
    folder = tmp_path_factory.mktemp("sample") / "photos"
    draw_photos(folder, angles=4, seed=5)
    return folder


@pytest.fixture(scope="session")
def random_backbone() -> Path:
    """Return an exported MobileNetV2 with random weights."""
    return cached_export(ExportRequest("mobilenet_v2", RANDOM, seed=0))


@pytest.fixture(scope="session")
def trained_backbone() -> Path:
    """Return an exported EfficientNet-Lite0 with the packaged ImageNet weights: random ones do not quantize well."""
    return cached_export(ExportRequest("efficientnet_lite0", IMAGENET, seed=0))


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkContext]:
    """Run one Spark for all tests of a module; whole runs join it. A task is tried as often as on a cluster."""
    context = session.start("local[2,4]", module="job.features.network.extractor")
    yield context
    session.stop(context)


@pytest.fixture
def several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the features of the few photos of a test in several files."""
    monkeypatch.setattr(listing, "LARGEST_PARTITION", 8)


@pytest.fixture(scope="session")
def aws_server() -> Iterator[str]:
    """Run moto's server of all of AWS on this machine; return its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_endpoint(aws_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point everything that speaks to AWS at moto's server, as long as this test lasts; return its address."""
    settings = {
        "AWS_ENDPOINT_URL": aws_server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return aws_server


@pytest.fixture
def bucket(s3_endpoint: str, request: pytest.FixtureRequest) -> str:
    """Return the name of a new, empty bucket."""
    name = f"bucket-{abs(hash(request.node.nodeid)) % 10**10}"
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return name
