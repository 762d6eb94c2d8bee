"""Tests of infra/commands/cost_request.py; what a person reads of it is tried by tests/infra/commands/test_cost.py."""

import json
from pathlib import Path

import pytest

from infra.aws import cdk
from infra.cdk_context import SettingsError
from infra.commands.cost_request import read_cost_settings
from tests.infra.synthesis import default_context


def test_a_wrong_setting_keeps_the_code_of_wrong_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cdk.json").write_text(json.dumps({"context": default_context() | {"core_count": 0}}))
    monkeypatch.setattr(cdk, "CDK_JSON", tmp_path / "cdk.json")

    with pytest.raises(SettingsError) as raised:
        read_cost_settings(None, "eu-west-1")

    assert raised.value.code == "ORC-210"
    assert raised.value.message == "core_count is '0': it must be a whole number from 1 to 100."
