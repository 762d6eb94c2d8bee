"""CDK stacks: data, access, budget, cluster."""

from infra.stacks.access import AccessStack
from infra.stacks.budget import BudgetStack
from infra.stacks.cluster import ClusterStack
from infra.stacks.data import DataStack

__all__ = ["AccessStack", "BudgetStack", "ClusterStack", "DataStack"]
