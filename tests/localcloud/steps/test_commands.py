"""What a step's command becomes on this machine."""

import pytest

from infra.runs.step import step_configuration
from localcloud.steps.commands import NotRunnableError, Plan, plan
from tests.error_report import values


def test_our_own_step_keeps_everything_but_the_deploy_mode() -> None:
    step = step_configuration("r1", "s3://b/code/1/job.zip", "s3://b/code/1/main.py", ["--images", "s3://b/images/x/"])
    jar = step["HadoopJarStep"]
    made = plan(jar["Jar"], jar["Args"])
    assert made.command == [
        *("spark-submit", "--name", "orchard r1", "--py-files", "s3://b/code/1/job.zip", "s3://b/code/1/main.py"),
        *("--images", "s3://b/images/x/"),
    ]
    assert [made.command[each] for each in made.fetched] == ["s3://b/code/1/job.zip", "s3://b/code/1/main.py"]
    assert [line.split(" by ")[0] for line in made.replaced] == ["--deploy-mode client"]


def test_master_and_deploy_mode_are_replaced_in_both_spellings() -> None:
    made = plan("command-runner.jar", ["spark-submit", "--master=yarn", "--deploy-mode", "cluster", "main.py"])
    assert made.command == ["spark-submit", "main.py"]
    assert [line.split(" by ")[0] for line in made.replaced] == ["--master yarn", "--deploy-mode cluster"]


def test_the_programs_own_arguments_stay_unchanged() -> None:
    made = plan("command-runner.jar", ["spark-submit", "s3://b/main.py", "--master", "x", "s3://b/in/"])
    assert made.command == ["spark-submit", "s3://b/main.py", "--master", "x", "s3://b/in/"]
    assert made.fetched == [1]


def test_an_option_without_a_value_does_not_swallow_the_program() -> None:
    made = plan("command-runner.jar", ["spark-submit", "--verbose", "--conf", "a=b", "main.py"])
    assert made.command == ["spark-submit", "--verbose", "--conf", "a=b", "main.py"]


def test_files_named_by_a_property_are_fetched() -> None:
    conf = "spark.submit.pyFiles=s3://b/a.zip,s3://b/b.zip"
    made = plan("command-runner.jar", ["spark-submit", "", "--conf", conf, "main.py"])
    assert made.command == ["spark-submit", "--py-files", "s3://b/a.zip,s3://b/b.zip", "main.py"]
    assert made.fetched == [2]


def test_any_other_command_runs_unchanged() -> None:
    assert plan("command-runner.jar", ["bash", "-c", "aws s3 ls s3://b"]) == Plan(["bash", "-c", "aws s3 ls s3://b"])


@pytest.mark.parametrize(
    ("jar", "arguments", "named"),
    [
        ("s3://b/mine.jar", ["x"], ["command-runner.jar", "s3://b/mine.jar"]),
        ("command-runner.jar", [], ["command-runner.jar"]),
        ("command-runner.jar", [""], ["command-runner.jar"]),
    ],
)
def test_refuses_steps_that_cannot_be_run(jar: str, arguments: list[str], named: list[str]) -> None:
    with pytest.raises(NotRunnableError) as raised:
        plan(jar, arguments)
    assert values(str(raised.value)) == named
