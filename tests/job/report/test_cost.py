"""Tests of job/report/cost.py: a run's cost gets into its report's two places, and nowhere else."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from job.report import LANGUAGES, Cost, findings, page, with_cost
from job.report.cost import fact, sentences, tile
from job.report.messages import Messages
from tests.error_report import values
from tests.job.report import synthetic
from tests.job.report.conftest import HOSTILE

ENGLISH, FRENCH = (Messages(language) for language in LANGUAGES)
COST = Cost(
    usd=0.4168,
    cluster_usd=1.6671,
    share=0.25,
    took="0:30:00",
    cluster="j-1ABC",
    cluster_runs=False,
    asked="2026-11-20 12:00 UTC",
    region="eu-west-1",
    price_day="2026-11-20",
    from_table=False,
    spot_prices_known=True,
    counts_disks=True,
    reused=0,
)


@pytest.fixture(scope="module", params=[ENGLISH, FRENCH], ids=LANGUAGES)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Messages, str]:
    """Return a report whose labels try to look like the place of the cost, and its language."""
    folder: Path = tmp_path_factory.mktemp("report")
    places = ('<tr id="cost"><td>1</td></tr>', '<div id="cost-tile"></div>', '<html lang="en">', r"\\1\\g<0>")
    manifest = synthetic.write(synthetic.Run((*HOSTILE, *places)), folder)
    return request.param, page.render(findings.read(str(folder), manifest), {}, request.param, "/* vega */")


def test_a_report_says_that_the_cost_is_not_known_until_it_is(report: tuple[Messages, str]) -> None:
    messages, made = report

    assert made.count(fact(messages)) == made.count(tile(messages)) == 1


def test_cost_changes_its_two_places_only(report: tuple[Messages, str]) -> None:
    messages, made = report

    filled = with_cost(made, COST)

    assert filled == made.replace(fact(messages), fact(messages, COST)).replace(tile(messages), tile(messages, COST))
    assert filled.count(fact(messages, COST)) == filled.count(tile(messages, COST)) == 1


def test_a_cost_that_is_there_already_is_replaced(report: tuple[Messages, str]) -> None:
    _, made = report
    first = replace(COST, usd=0.1, cluster=r"<\1>")

    assert with_cost(with_cost(made, first), COST) == with_cost(made, COST)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<html><body>of an earlier version</body></html>",
        f'<html lang="en">{fact(ENGLISH)}',
        f'<html lang="en">{fact(ENGLISH)}{fact(ENGLISH)}{tile(ENGLISH)}',
        f'<html lang="de">{fact(ENGLISH)}{tile(ENGLISH)}',
    ],
    ids=["empty", "no places", "no tile", "two facts", "another language"],
)
def test_a_page_that_is_no_report_with_one_place_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match="cost"):
        with_cost(content, COST)


@pytest.mark.parametrize(
    ("messages", "usd", "share", "cluster_usd"),
    [(ENGLISH, "0.417\u00a0USD", "25%", "1.67\u00a0USD"), (FRENCH, "0,417\u00a0USD", "25\u202f%", "1,67\u00a0USD")],
    ids=LANGUAGES,
)
def test_cost_text_names_time_price_and_estimate(messages: Messages, usd: str, share: str, cluster_usd: str) -> None:
    amount, estimate, left_out = sentences(COST, messages)

    found = re.findall(rf"{usd}|0:30:00|{share}|j-1ABC|{cluster_usd}", amount)
    assert found == [usd, "0:30:00", share, "j-1ABC", cluster_usd]
    assert values(estimate) == ["eu-west-1", "2026-11-20"]
    assert "S3" in left_out


def test_what_makes_an_amount_less_sure_is_said() -> None:
    unsure = replace(COST, cluster_runs=True, from_table=True, spot_prices_known=False, counts_disks=False, reused=1200)

    _, estimate, *others = sentences(unsure, ENGLISH)

    assert values(estimate) == ["eu-west-1", "2026-11-20"]
    assert " table " in estimate
    cluster_runs, spot, reused, left_out = others
    assert values(cluster_runs) == ["2026-11-20", "12:00"]
    assert "Spot" in spot
    assert values(reused) == ["1,200"]
    assert "disks" in left_out


def test_what_comes_from_outside_is_text() -> None:
    assert "<b>" not in fact(ENGLISH, replace(COST, cluster="<b>j</b>"))
