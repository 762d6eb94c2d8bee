"""Tests of infra/runs/fetch.py."""

import json

import pytest

from infra.aws.client import Aws
from infra.runs import fetch
from job.errors import ResultsUnusableError


@pytest.mark.parametrize("version", [1, None])
def test_refuses_manifest_of_other_schema_version(aws: Aws, bucket: str, version: int | None) -> None:
    aws.s3.put_object(Bucket=bucket, Key="results/first/manifest.json", Body=json.dumps({"schema_version": version}))

    with pytest.raises(ResultsUnusableError) as raised:
        fetch.manifest(aws, bucket, "results/first")

    assert "--overwrite" in raised.value.hint
