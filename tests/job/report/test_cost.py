"""Tests of job/report/cost.py: a run's cost gets into its report's two places, and nowhere else."""

from dataclasses import replace
from pathlib import Path

import pytest

from job.report import LANGUAGES, Cost, findings, page, with_cost
from job.report.cost import fact, sentences, tile
from job.report.messages import Messages
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
    with pytest.raises(ValueError, match="no place for a cost"):
        with_cost(content, COST)


@pytest.mark.parametrize(
    ("messages", "amount", "estimate", "left_out"),
    [
        (
            ENGLISH,
            "About 0.417@USD: it took 0:30:00, 25% of the node hours of the cluster j-1ABC, which cost 1.67@USD.",
            (
                "An estimate: hours by EMR's timeline times the prices of eu-west-1 as AWS gave them on 2026-11-20.|"
                "The bill is AWS' own."
            ),
            "Not counted: tax, S3, network, keys and secrets, logs.",
        ),
        (
            FRENCH,
            "Environ 0,417@USD : durée 0:30:00, 25_% des heures de nœud du cluster j-1ABC, qui a coûté 1,67@USD.",
            (
                "Estimation : heures selon EMR, multipliées par les prix de eu-west-1 donnés par AWS le 2026-11-20.|"
                "Seule la facture d'AWS fait foi."
            ),
            "Non comptés : taxes, S3, réseau, clés et secrets, journaux.",
        ),
    ],
    ids=LANGUAGES,
)
def test_cost_text_names_time_price_and_estimate(messages: Messages, amount: str, estimate: str, left_out: str) -> None:
    spaces = str.maketrans({"@": "\u00a0", "_": "\u202f", "|": " "})
    assert sentences(COST, messages) == [text.translate(spaces) for text in (amount, estimate, left_out)]


def test_what_makes_an_amount_less_sure_is_said() -> None:
    unsure = replace(COST, cluster_runs=True, from_table=True, spot_prices_known=False, counts_disks=False, reused=1200)

    _, estimate, *others = sentences(unsure, ENGLISH)

    assert "times the prices of eu-west-1 in a table of 2026-11-20." in estimate
    assert others == [
        "The cluster still ran when this was asked, 2026-11-20 12:00 UTC: it has cost more since.",
        "Nodes on Spot are counted at the price on demand, which is more than was paid.",
        "Earlier attempts computed 1,200 of the photos: their time is not counted.",
        "Not counted: tax, S3, network, keys and secrets, logs, and disks, whose price is not known.",
    ]


def test_what_comes_from_outside_is_text() -> None:
    assert "<b>" not in fact(ENGLISH, replace(COST, cluster="<b>j</b>"))
