"""No secret stands in a template, an output or an argument: only where it lies."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.settings import NETWORKS
from tests.infra.conftest import environment, stub_wheelhouse  # noqa: F401 - fixtures
from tests.infra.synthesis import Environment, Synthesise
from tests.infra.test_wildcards import EVERYTHING

_KEY = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b")
_LITERAL = re.compile(r"password|secret|token|credential", re.IGNORECASE)

MAY_BE_CALLED_SO = {
    # What a secret is made of, or where it lies; never what it says.
    *("SecretString", "GenerateSecretString", "PasswordLength", "ExcludePunctuation", "SecretArn"),
}


def properties(value: object, inside: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value in a template that is no list or mapping, with the names that lead to it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from properties(inner, (*inside, str(name)))
    elif isinstance(value, list):
        for inner in value:
            yield from properties(inner, inside)
    else:
        yield inside, value


@pytest.fixture(params=NETWORKS)
def made(environment: Synthesise, request: pytest.FixtureRequest) -> Environment:  # noqa: F811 - the fixture
    """Return an environment with everything in it that has a secret."""
    return environment(network=request.param, **EVERYTHING)


def test_no_template_holds_an_access_key(made: Environment) -> None:
    for stack in made.stacks():
        assert _KEY.findall(made.template_file(stack).read_text()) == []


def test_secret_of_a_key_goes_from_iam_to_secrets_manager_only(made: Environment) -> None:
    places = [
        (stack, resource["Type"], path[0])
        for stack in made.stacks()
        for resource in made.template(stack)["Resources"].values()
        for path, value in properties(resource.get("Properties", {}))
        if value == "SecretAccessKey"
    ]

    assert places == [("OrchardAccess", "AWS::SecretsManager::Secret", "SecretString")]


def test_no_output_gives_a_secret_away(made: Environment) -> None:
    outputs = {
        name: json.dumps(output["Value"])
        for stack in made.stacks()
        for name, output in made.template(stack).get("Outputs", {}).items()
    }

    assert {"EvaluatorSecret", "JupyterHubSecret"} < set(outputs)
    assert [name for name, value in outputs.items() if "SecretAccessKey" in value or "resolve:" in value] == []
    # An ARN says where a secret lies, and only who may read it there learns it.
    assert {name: json.loads(outputs[name])["Ref"][:9] for name in ("EvaluatorSecret", "JupyterHubSecret")} == {
        "EvaluatorSecret": "KeySecret",
        "JupyterHubSecret": "JupyterHu",
    }


def test_templates_resolve_no_secret_and_take_none_as_parameter(made: Environment) -> None:
    for stack in made.stacks():
        template = made.template(stack)
        assert "{{resolve:" not in json.dumps(template)
        assert set(template.get("Parameters", {})) <= {"BootstrapVersion"}


def test_secrets_in_templates_are_references_or_generated(made: Environment) -> None:
    literal = [
        (stack, path, value)
        for stack in made.stacks()
        for resource in made.template(stack)["Resources"].values()
        for path, value in properties(resource.get("Properties", {}))
        if path and _LITERAL.search(path[-1]) and path[-1] not in MAY_BE_CALLED_SO
    ]

    assert literal == []


def test_no_step_or_bootstrap_action_is_given_a_secret(made: Environment) -> None:
    (cluster,) = made.resources("OrchardCluster", "AWS::EMR::Cluster").values()
    said = json.dumps([cluster["Properties"][name] for name in ("Steps", "BootstrapActions", "Configurations")])

    assert "GetAtt" not in re.sub(r'"Fn::GetAtt": \["[A-Za-z0-9]+", "(Arn|RegionalDomainName)"\]', "", said)
    assert "SecretString" not in said
    assert set(re.findall(r"AWS_[A-Z_]+", said)) == {"AWS_REGION", "AWS_DEFAULT_REGION"}
