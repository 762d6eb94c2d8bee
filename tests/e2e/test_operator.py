"""Whoever has the operator's policy and nothing else deploys, works and destroys: the policy is enough."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from infra.aws.cdk import PROJECT
from infra.commands.sample_photos import draw_photos
from localcloud.state import require
from tests.e2e.test_whole_way import COMPLETE, deploy
from tests.e2e.way import ACCOUNT, REGION, Way

pytestmark = pytest.mark.slow

POLICY = PROJECT / "docs" / "policies" / "operator.json"


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    """Return a way whose commands have an operator's key, on an account that an administrator has prepared."""
    made = Way(tmp_path)
    made.orchard("local", "up")
    made.bootstrap()
    iam = made.client("iam")
    iam.create_user(UserName="operator")
    iam.put_user_policy(UserName="operator", PolicyName="operator", PolicyDocument=POLICY.read_text())
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    made.key = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    yield made
    made.orchard("local", "down")


def test_an_operator_deploys_uploads_looks_and_destroys(way: Way) -> None:
    deploy(way, "OrchardAccess")
    assert way.statuses() == COMPLETE

    draw_photos(way.folder / "photos", 1, seed=1)
    assert "10 sent" in way.orchard("upload", str(way.folder / "photos"), "fruits")
    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=require(way.cloud).endpoint,
        region_name=REGION,
        aws_access_key_id=way.key["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=way.key["AWS_SECRET_ACCESS_KEY"],
    )
    handed_over = secrets.get_secret_value(SecretId=way.outputs("OrchardAccess")["EvaluatorSecret"])
    assert "secret_access_key" in handed_over["SecretString"]
    assert "is not authorized to perform: cloudformation:" in way.cdk(
        "bootstrap", f"aws://{ACCOUNT}/{REGION}", expect=1
    )

    way.orchard("destroy", "--delete-data", "--yes")
    assert way.statuses() == {"CDKToolkit": "CREATE_COMPLETE"}
