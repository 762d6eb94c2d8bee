"""The place of a run's cost in its report: `orchard results` fills it in, because the job does not know it."""

import re
from dataclasses import dataclass
from html import escape

from job.report.messages import Messages

NO_BREAK_SPACE = "\u00a0"

_LANGUAGE = re.compile(r'<html lang="(en|fr)">')
_FACT = re.compile(r'<tr id="cost">.*?</tr>', re.DOTALL)
_TILE = re.compile(r'<div id="cost-tile".*?</div>', re.DOTALL)
"""The two places. Nothing that comes from a run can look like them: all of it is escaped in the page."""


@dataclass(frozen=True)
class Cost:
    """The cost of a run, as time on the cluster times prices."""

    usd: float  # the run's part of the cluster's cost
    cluster_usd: float  # what the cluster cost until ``asked``, or until its end
    share: float  # the run's part of the cluster's node hours, 0 to 1
    took: str  # how long the run took by the clock, as h:mm:ss
    cluster: str
    cluster_runs: bool
    asked: str  # when the cluster's state and prices were read: day and hour, UTC
    region: str
    price_day: str  # of which day the prices are, as YYYY-MM-DD
    from_table: bool  # whether they are from the table that ships with Orchard; else AWS was asked
    spot_prices_known: bool  # whether nodes on Spot are counted at its price; else at that on demand, which is more
    counts_disks: bool
    reused: int  # photos reused from earlier attempts, whose cost is not included


def fact(messages: Messages, cost: Cost | None = None) -> str:
    """Return the row of the facts about a run that says its cost, or that it is not known."""
    said = [messages("cost_unknown")] if cost is None else sentences(cost, messages)
    body = "".join(f"<div>{escape(sentence)}</div>" for sentence in said)
    return f'<tr id="cost"><th>{escape(messages("cost"))}</th><td>{body}</td></tr>'


def tile(messages: Messages, cost: Cost | None = None) -> str:
    """Return the tile with a run's cost; without one it is not shown."""
    if cost is None:
        return '<div id="cost-tile" hidden></div>'
    # The currency is below the amount: it would not fit on its right.
    shown = (("b", amount(cost.usd, messages)), ("span", messages("cost_tile")))
    body = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in shown)
    return (
        f'<div id="cost-tile" class="tile">{body}<span class="soft">{escape(messages("cost_tile_more"))}</span></div>'
    )


def sentences(cost: Cost, messages: Messages) -> list[str]:
    """Return what is said of a cost: the amount and what it is made of, what it rests on, what it leaves out."""
    made_of = messages(
        "cost_amount",
        usd=usd(cost.usd, messages),
        share=messages.share(cost.share),
        cluster_usd=usd(cost.cluster_usd, messages),
        cluster=cost.cluster,
        took=cost.took,
    )
    prices = messages("cost_table" if cost.from_table else "cost_asked", region=cost.region, day=cost.price_day)
    said = [made_of, messages("cost_estimate", prices=prices)]
    if cost.cluster_runs:
        said.append(messages("cost_until", asked=cost.asked))
    if not cost.spot_prices_known:
        said.append(messages("cost_spot"))
    if cost.reused:
        said.append(messages("cost_reused", photos=messages.number(cost.reused)))
    left_out = messages("cost_left_out") if cost.counts_disks else messages("cost_left_out_and_disks")
    return [*said, left_out]


def with_cost(page: str, cost: Cost) -> str:
    """Return a report with a run's cost in it, in the report's own language; one that is there already is replaced.

    Raises
    ------
    ValueError
        If the page has no place for it, or several: an earlier version wrote it, or it is not a report.
    """
    languages = _LANGUAGE.findall(page)
    if [len(found) for found in (languages, _FACT.findall(page), _TILE.findall(page))] != [1, 1, 1]:
        raise ValueError("the page has no place for a cost")
    messages = Messages(languages[0])
    # As functions: a backslash in what is put in means nothing.
    filled = _FACT.sub(lambda _: fact(messages, cost), page)
    return _TILE.sub(lambda _: tile(messages, cost), filled)


def amount(dollars: float, messages: Messages) -> str:
    """Return an amount of money: to the cent, below a dollar to a tenth of it."""
    return messages.number(dollars, 2 if dollars >= 1 else 3)


def usd(dollars: float, messages: Messages) -> str:
    """Return an amount of US dollars with its currency."""
    return f"{amount(dollars, messages)}{NO_BREAK_SPACE}USD"
