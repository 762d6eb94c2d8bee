"""Tests of tools/picture.py: what README's picture shows is what is synthesised."""

from tests.infra.synthesis import ROOT, Synthesise
from tools import picture


def test_the_picture_shows_the_stacks_as_they_are_synthesised(environment: Synthesise) -> None:
    made = environment(alert_email="you@example.org")

    drawn = picture.draw({stack: made.template(stack) for stack in made.stacks()})

    assert picture.PICTURE.read_text() == drawn, "draw it anew: make docs"


def test_every_module_in_the_picture_is_there() -> None:
    assert [stage.module for stage in picture.STAGES if not (ROOT / stage.module).is_file()] == []


def test_a_stack_is_shown_by_what_it_holds(environment: Synthesise) -> None:
    made = environment()

    assert picture.contents(made.template("OrchardData")) == ["2 buckets"]
    assert picture.nodes(made.template("OrchardData")) == ""
    assert picture.nodes(made.template("OrchardCluster")) == (
        "emr-7.14.0: 1 primary, 1 core and 2 task nodes (2 Spot) like m6i.xlarge"
    )
