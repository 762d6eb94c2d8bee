"""The tag on everything that costs: costs are counted by it, and what is left after a destroy is found by it."""

COST_TAG = ("project", "orchard")
"""Key and value."""
