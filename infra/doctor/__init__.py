"""Check an account before anything is spent, and pack what a report of a fault needs."""

from infra.doctor.bundle import collect, pack
from infra.doctor.checkup import examine, planned_settings, require_deployable
from infra.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "collect", "examine", "pack", "planned_settings", "require_deployable"]
