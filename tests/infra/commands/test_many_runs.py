"""Tests of orchard status where EMR lists more clusters and steps than fit on one page of 50."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.aws.client import Aws
from tests.infra.command_line import orchard
from tests.infra.conftest import World
from tests.localcloud.emr.clusters import request, step
from tests.localcloud.steps.emr_cloud import REGION, address, clients, make_bucket, make_roles, running

CLUSTERS = STEPS = 51


def run(name: str) -> dict[str, Any]:
    """Return the step of a run."""
    return step(f"orchard {name}", "CONTINUE", "true", "--output", f"s3://data/results/{name}")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a local EMR: the oldest cluster has one run, the newest has 51."""
    with running(tmp_path_factory.mktemp("emr")) as process:
        found = address(process)
        client = clients(found)
        make_roles(client)
        make_bucket(client, "data")
        emr = client("emr")
        for number in range(1, CLUSTERS + 1):
            runs = {1: [run("oldest")], CLUSTERS: [run(f"run-{each}") for each in range(STEPS)]}.get(number, [])
            emr.run_job_flow(**(request() | {"Name": f"orchard-{number}", "Steps": runs}))
        yield found


@pytest.fixture
def busy(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world whose account is that EMR's."""
    variables = {"ENDPOINT_URL": endpoint, "ACCESS_KEY_ID": "testing", "SECRET_ACCESS_KEY": "testing"}
    for name, value in variables.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return World(Aws(REGION))


def test_status_shows_the_newest_of_many_clusters(busy: World) -> None:
    assert orchard(busy, "status") == 0

    assert f"(orchard-{CLUSTERS}): " in busy.said[0]
    assert busy.said[1].startswith(f"Run 'run-{STEPS - 1}': ")


@pytest.mark.parametrize(("name", "cluster"), [("oldest", 1), ("run-0", CLUSTERS)])
def test_status_finds_a_run_behind_the_first_page(busy: World, name: str, cluster: int) -> None:
    assert orchard(busy, "status", name) == 0

    assert f"(orchard-{cluster}): " in busy.said[0]
    assert busy.said[1].startswith(f"Run '{name}': ")
