"""Tests of ``orchard cost``: what a person reads, and what becomes of every failure."""

import json
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from infra import cli
from infra.aws import Aws, cdk
from infra.cdk_context import SettingsError
from infra.commands.cost import read_cost_settings
from tests.error_report import told, values
from tests.infra.fake_price_list import NOW, FakePriceList
from tests.infra.person import Person, cluster_that_ran
from tests.infra.synthesis import default_context

FIVE = "eu-west-3,eu-west-1,eu-central-1,eu-west-2,eu-north-1"
STANDING = ["OrchardCluster", "9.03 USD", "1.00", "1", "8.03"]
"""A month without a cluster: all of it, the key of the disks, and one interface endpoint."""

OFFLINE = ["2026-11-29", "--offline"]
BASIS = ["184", "2"]
"""Photos a second and cores of the benchmark."""

START = ["15", "--start-minutes"]

HOUR = ["role", "type", "market", "nodes", "EC2", "EMR", "disks", "total"]


def cells(person: Person) -> list[list[str]]:
    """Return what was printed, each line as its words with "on demand" as one."""
    return [line.replace("on demand", "on-demand").split() for line in person.reads().splitlines()]


def not_counted(line: str) -> set[str]:
    """Return what a line lists as missing in the amounts."""
    return set(line.rstrip(".").partition(": ")[2].split(", "))


def test_an_hour_has_a_row_per_role_from_the_table(person: Person) -> None:
    assert person.types("cost --offline") == 0

    assert cells(person)[2:7] == [
        HOUR,
        ["primary", "m6i.xlarge", "on-demand", "1", "0.2140", "0.0480", "0.0101", "0.2721"],
        ["core", "m6i.xlarge", "on-demand", "1", "0.2140", "0.0480", "0.0101", "0.2721"],
        ["task", "m6i.xlarge", "on-demand", "2", "0.2140", "0.0480", "0.0101", "0.5443"],
        ["all", "1.0885"],
    ]
    lines = person.reads().splitlines()
    assert any("30 minutes" in line and line.endswith(" 0.544.") for line in lines)
    assert list(map(values, lines[-5:-3])) == [["orchard cost --photos 10000"], STANDING]
    assert values(lines[-3])[-1] == "m6i.xlarge"
    assert {"tax", "interface endpoints", "logs"} < not_counted(lines[-2])
    assert "S3" not in not_counted(lines[-2])
    assert values(lines[-1]) == OFFLINE


def test_an_hour_has_spot_prices_if_aws_answers(person: Person) -> None:
    assert person.types("cost --type m5.xlarge") == 0

    assert cells(person)[2:7] == [
        HOUR,
        ["primary", "m5.xlarge", "on-demand", "1", "0.2140", "0.0480", "0.0084", "0.2704"],
        ["core", "m5.xlarge", "on-demand", "1", "0.2140", "0.0480", "0.0084", "0.2704"],
        ["task", "m5.xlarge", "Spot", "2", "0.0900", "0.0480", "0.0084", "0.2928"],
        ["all", "0.8336"],
    ]
    lines = person.reads().splitlines()
    assert values(lines[8]) == ["1.0816"]
    assert values(lines[-3]) == STANDING
    assert "interface endpoints" in not_counted(lines[-2])
    assert values(lines[-1]) == ["2026-11-20"]


def test_photos_have_a_time_and_a_cost_and_their_basis(person: Person) -> None:
    assert person.types("cost --offline --type m5.xlarge --photos 67692") == 0

    lines = person.reads().splitlines()
    assert lines[13].split() == ["h:mm:ss", "USD"]
    # Upload, start of the cluster, the job, its requests, all of these, and a month of storage
    assert list(map(values, lines[14:23])) == [
        ["0.338"],
        ["0:15:00", "0.272"],
        ["0:02:01", "0.037"],
        ["0.054"],
        ["0:17:01", "0.702"],
        ["0.015"],
        *([], BASIS, START),
    ]
    assert "interface endpoints" in not_counted(lines[-2])
    assert values(lines[-1]) == OFFLINE


def test_the_five_regions_come_from_one_command(person: Person) -> None:
    assert person.types(f"cost --offline --type m5.xlarge --photos 67692 --regions {FIVE}") == 0

    lines = person.reads().splitlines()
    assert lines[2:9] == [
        "region                   type          EC2     EMR    node  cluster  67,692 photos",
        "eu-west-3     Paris      m5.xlarge  0.2240  0.0480  0.2720   1.1307          0.321",
        "eu-west-1     Ireland    m5.xlarge  0.2140  0.0480  0.2620   1.0885          0.309",
        "eu-central-1  Frankfurt  m5.xlarge  0.2300  0.0480  0.2780   1.1558          0.328",
        "eu-west-2     London     m5.xlarge  0.2220  0.0480  0.2700   1.1227          0.319",
        "eu-north-1    Stockholm  m5.xlarge  0.2040  0.0480  0.2520   1.0465          0.297",
        "",
    ]
    assert [values(line) for line in (*lines[-4:-2], lines[-1])] == [BASIS, START, OFFLINE]
    assert "interface endpoints" in not_counted(lines[-2])


def test_regions_show_a_dash_for_an_unknown_price(person: Person) -> None:
    assert person.types("cost --type m5.xlarge --regions eu-west-1,eu-south-2") == 0
    lines = person.reads().splitlines()
    assert [line.split() for line in lines[2:6]] == [
        ["region", "type", "EC2", "EMR", "node", "Spot", "cluster"],
        ["eu-west-1", "Ireland", "m5.xlarge", "0.2140", "0.0480", "0.2620", "0.0900", "0.8336"],
        ["eu-south-2", "Spain", *"------"],
        [],
    ]
    assert ["m5.xlarge", "eu-south-2", "m5.xlarge"] in list(map(values, lines))


@pytest.mark.parametrize(
    ("line", "code", "named", "fix"),
    [
        (
            "cost --offline --type m6i.xlarge --regions eu-south-2",
            "ORC-270",
            "m6i.xlarge: none for EC2 and EMR",
            "--type",
        ),
        ("cost --offline --type m5.xlarge --regions sa-east-1", "ORC-270", "m5.xlarge: none for EC2", "region"),
        ("cost --type m5.tiny", "ORC-201", "m5.tiny", "m5.xlarge, m5a.xlarge"),
        ("cost --photos 0", "ORC-201", "--photos", "orchard cost --help"),
        ("cost --start-minutes -1", "ORC-201", "--start-minutes", "orchard cost --help"),
        ("cost --regions eu-west-1 --run first", "ORC-201", "--regions", "orchard cost --help"),
        ("cost --run first --photos 5", "ORC-201", "--photos", "orchard cost --run first"),
        ("cost --run first", "ORC-250", "first", "--region"),
        ("cost --regions mars-1", "ORC-201", "mars-1", "eu-central-1, eu-north-1"),
        ("cost --regions eu-west-1,mars-1", "ORC-201", "mars-1", "eu-central-1, eu-north-1"),
        ("cost --regions ,", "ORC-201", "--regions", "--regions eu-west-1,eu-west-3"),
    ],
)
def test_failure_has_code_value_and_fix(
    line: str, code: str, named: str, fix: str, person: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    assert person.types(line) == 2
    message, hint = capsys.readouterr().err.splitlines()
    assert message.endswith(f"[{code}]")
    assert named in message
    assert fix in hint


def test_a_wrong_setting_is_told_as_one(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _with_settings(tmp_path, monkeypatch, core_count=0)

    assert person.types("cost") == 2
    message, hint = capsys.readouterr().err.splitlines()
    assert message.endswith("[ORC-210]")
    assert "-c core_count=1" in hint


def test_managed_scaling_is_told_at_its_largest(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_settings(tmp_path, monkeypatch, managed_scaling=True, network="private-nat", spot_share=0)

    assert person.types("cost --offline --type m5.xlarge") == 0
    assert ": 2.9934.\n" in person.reads()
    left_out = not_counted(person.reads().splitlines()[-2])
    assert "the NAT gateway" in left_out
    assert "interface endpoints" not in left_out


def test_printed_commands_repeat_profile_and_region(person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    assert person.types("cost --offline --profile work --region eu-west-1") == 0
    assert ": orchard cost --photos 10000 --profile work --region eu-west-1\n" in person.reads()

    assert person.types("cost --run first --photos 5 --profile work") == 2
    assert told(capsys.readouterr().err)[1].endswith(": orchard cost --run first --profile work")


def test_help_shows_the_five_regions_as_its_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["cost", "--help"])

    shown = capsys.readouterr().out
    assert shown.endswith(f"Example: orchard cost --type m5.xlarge --regions {FIVE}\n")
    assert len(shown.splitlines()) <= 26


SPENT = ["type", "market", "nodes", "node", "hours", "EC2", "EMR", "disks", "total"]


def test_a_run_has_the_actual_cost_of_its_cluster(person: Person) -> None:
    cluster_that_ran("first", NOW - timedelta(hours=2), minutes=120, step=(30, 60))

    assert person.types("cost --run first") == 0

    cluster = boto3.client("emr", "eu-west-1").list_clusters()["Clusters"][0]["Id"]
    lines = person.reads().splitlines()
    assert cluster in lines[0]
    assert cells(person)[2:6] == [
        SPENT,
        ["m5.xlarge", "Spot", "2", "4.00", "0.360", "0.192", "0.034", "0.586"],
        ["m5.xlarge", "on-demand", "2", "4.00", "0.856", "0.192", "0.034", "1.082"],
        ["all", "1.667"],
    ]
    assert values(lines[7]) == ["0:30:00", "25%", "0.417"]
    assert {"interface endpoints", "S3"} < not_counted(lines[8])


def test_a_run_on_a_living_cluster_costs_until_now(person: Person) -> None:
    cluster_that_ran("first", NOW - timedelta(hours=1), minutes=None, step=(30, None))

    assert person.types("cost --run first --offline") == 0

    assert cells(person)[3:6] == [
        ["m5.xlarge", "Spot", "2", "2.00", "0.428", "0.096", "0.020", "0.544"],
        ["m5.xlarge", "on-demand", "2", "2.00", "0.428", "0.096", "0.020", "0.544"],
        ["all", "1.089"],
    ]
    lines = person.reads().splitlines()
    assert "still running" in lines[7]
    assert ["0:30:00", "50%", "0.544"] in list(map(values, lines))
    assert any("no Spot price" in line for line in lines)


def test_a_run_on_the_local_cloud_costs_nothing(
    person: Person, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster_that_ran("first", NOW - timedelta(hours=1), minutes=60, step=(30, 40))
    monkeypatch.setattr(Aws, "on_this_machine", True)

    assert person.types("cost --run first") == 0

    # The suggested command has a price
    suggested = person.reads().splitlines()[1].partition(": orchard ")[2]
    assert person.types(suggested) == 0
    assert capsys.readouterr().err == ""


def test_an_unknown_run_is_told_with_those_that_are_there(person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    cluster_that_ran("first", NOW - timedelta(hours=2), minutes=60, step=(10, 20))

    assert person.types("cost --run second") == 2
    message, hint = capsys.readouterr().err.splitlines()
    assert message.endswith("[ORC-250]")
    assert "first" in hint


def test_the_time_comes_from_the_last_run_on_that_type(price_list: FakePriceList, tmp_path: Path) -> None:
    basis = "the run 'first'"
    kept = {"photos_a_second_and_core": 10.0, "fixed_seconds": 20.0, "basis": basis}
    (tmp_path / "speed.json").write_text(json.dumps({"m5.xlarge": kept}))
    person = Person(price_list, tmp_path)

    assert person.types("cost --type m5.xlarge --photos 12000") == 0
    assert basis in person.reads()
    # 12 virtual CPUs: 100 s, and 20 s come to it.
    assert "0:02:00  0.028\n" in person.reads()


def _with_settings(folder: Path, monkeypatch: pytest.MonkeyPatch, **changed: object) -> None:
    declared = json.loads(cdk.CDK_JSON.read_text())
    declared["context"] |= changed
    (folder / "cdk.json").write_text(json.dumps(declared))
    monkeypatch.setattr(cdk, "CDK_JSON", folder / "cdk.json")


def test_a_wrong_setting_keeps_the_code_of_wrong_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cdk.json").write_text(json.dumps({"context": default_context() | {"core_count": 0}}))
    monkeypatch.setattr(cdk, "CDK_JSON", tmp_path / "cdk.json")

    with pytest.raises(SettingsError, match="core_count") as raised:
        read_cost_settings(None, "eu-west-1")

    assert raised.value.code == "ORC-210"
