"""Estimate what a cluster costs, and compute what it has cost."""

from infra.pricing import cache, estimate
from infra.pricing.actual import NodesCost, RunCost, run_cost, run_of_results
from infra.pricing.source import PriceSource
from infra.pricing.speed import BENCHMARK, Speed, expected_speed, keep_speed
from infra.pricing.table import RegionPrices, table_prices

__all__ = [
    "BENCHMARK",
    "NodesCost",
    "PriceSource",
    "RegionPrices",
    "RunCost",
    "Speed",
    "cache",
    "estimate",
    "expected_speed",
    "keep_speed",
    "run_cost",
    "run_of_results",
    "table_prices",
]
