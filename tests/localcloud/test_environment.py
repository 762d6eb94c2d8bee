"""Tests of localcloud/environment.py."""

import subprocess

from localcloud import environment


def test_exports_send_every_call_to_the_local_cloud() -> None:
    given = {"AWS_PROFILE": "work", "AWS_ENDPOINT_URL_EMR": "http://elsewhere"}
    lines = environment.exports("http://127.0.0.1:5055", "eu-west-1", given)
    names = "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_REGION ${AWS_PROFILE-none} ${AWS_ENDPOINT_URL_EMR-none}"
    shell = "; ".join([*lines, f'echo "{names} $NO_PROXY"'])

    printed = subprocess.run(["bash", "-c", shell], env=given, capture_output=True, text=True, check=True).stdout

    assert printed == "http://127.0.0.1:5055 testing eu-west-1 none none 127.0.0.1,localhost\n"


def test_applied_drops_variables_that_lead_to_a_real_account() -> None:
    given = {"PATH": "/bin", "AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "real", "AWS_ACCESS_KEY_ID": "real"}

    applied = environment.applied(given, "http://127.0.0.1:1", "eu-west-1")

    assert applied["PATH"] == "/bin"
    assert applied["AWS_ACCESS_KEY_ID"] == applied["AWS_SECRET_ACCESS_KEY"] == "testing"
    assert "AWS_PROFILE" not in applied
    assert "AWS_SESSION_TOKEN" not in applied


def test_without_an_account_no_variable_and_no_file_leads_to_one() -> None:
    given = {
        "PATH": "/bin",
        "AWS_PROFILE": "work",
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    }

    assert environment.without_account(given) == {
        "PATH": "/bin",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
