"""What fails on AWS fails on the local cloud as well, through the real ``cdk``, and says the same."""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import WaiterError

from tests.e2e.test_whole_way import deploy
from tests.e2e.way import REGION, Way

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """Return a way whose cloud has the stacks of the buckets and of the evaluator."""
    made = Way(tmp_path_factory.mktemp("way"))
    made.orchard("local", "up")
    made.bootstrap()
    deploy(made, "OrchardAccess")
    yield made
    made.orchard("local", "down")


def destroy_data(way: Way, expect: int) -> str:
    return way.cdk("destroy", "OrchardData", "--exclusively", "--force", "-c", f"region={REGION}", expect=expect)


def test_a_stack_whose_exports_are_in_use_stays(way: Way) -> None:
    said = destroy_data(way, expect=1)

    assert "as it is in use by OrchardAccess" in said
    assert way.statuses()["OrchardData"] == "DELETE_FAILED"
    assert way.outputs("OrchardData")["DataBucket"] in way.bucket_names()


def test_a_bucket_that_is_not_empty_keeps_its_stack(way: Way) -> None:
    bucket = way.outputs("OrchardData")["DataBucket"]
    way.client("s3").put_object(Bucket=bucket, Key="results/kept", Body=b"x")
    way.cdk("destroy", "OrchardAccess", "--exclusively", "--force", "-c", f"region={REGION}")

    said = destroy_data(way, expect=1)

    assert "The bucket you tried to delete is not empty" in said
    assert way.statuses()["OrchardData"] == "DELETE_FAILED"
    assert way.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_an_unknown_resource_type_rolls_its_stack_back(way: Way) -> None:
    resources = {"Queue": {"Type": "AWS::SQS::Queue"}, "Bucket": {"Type": "AWS::S3::Bucket"}}
    cloudformation = way.client("cloudformation")

    cloudformation.create_stack(StackName="Odd", TemplateBody=json.dumps({"Resources": resources}))
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_create_complete").wait(StackName="Odd", WaiterConfig={"Delay": 1})

    events = cloudformation.describe_stack_events(StackName="Odd")["StackEvents"]
    assert any("AWS::SQS::Queue" in event.get("ResourceStatusReason", "") for event in events)
    assert way.statuses()["Odd"] == "ROLLBACK_COMPLETE"
