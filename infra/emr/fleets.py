"""The instance fleets of a cluster: which nodes, how many, on demand or Spot."""

from collections.abc import Sequence

from aws_cdk import aws_emr as emr

from infra.emr.instance_types import DISK_GIB, Capacity

SPOT_TIMEOUT_MINUTES = 10
"""How long EMR waits for Spot capacity: at the start it then buys on demand, at a resize it stops adding nodes."""
_Fleet = emr.CfnCluster.InstanceFleetConfigProperty


def on_demand_fleet(name: str, instance_types: Sequence[str], count: int) -> _Fleet:
    """Return a fleet of on-demand nodes: primary and core nodes, whose loss ends the cluster."""
    return _Fleet(
        name=name,
        instance_type_configs=_types(instance_types),
        target_on_demand_capacity=count,
        # EMR refuses a later change of the size unless both targets were given.
        target_spot_capacity=0,
        launch_specifications=_launch(spot=False),
    )


def task_fleet(instance_types: Sequence[str], capacity: Capacity, *, spot: bool) -> _Fleet:
    """Return a fleet of task nodes.

    Parameters
    ----------
    spot
        Whether EMR may buy Spot nodes for it, now or at a resize. Missing Spot capacity is replaced by on-demand nodes
        at the start of the cluster only.
    """
    return _Fleet(
        name="task",
        instance_type_configs=_types(instance_types),
        target_on_demand_capacity=capacity.on_demand,
        target_spot_capacity=capacity.spot,
        launch_specifications=_launch(spot=spot),
        resize_specifications=_resize() if spot else None,
    )


def _types(instance_types: Sequence[str]) -> list[emr.CfnCluster.InstanceTypeConfigProperty]:
    disks = emr.CfnCluster.EbsConfigurationProperty(
        ebs_block_device_configs=[
            emr.CfnCluster.EbsBlockDeviceConfigProperty(
                volume_specification=emr.CfnCluster.VolumeSpecificationProperty(volume_type="gp3", size_in_gb=DISK_GIB),
                volumes_per_instance=1,
            )
        ]
    )
    return [
        emr.CfnCluster.InstanceTypeConfigProperty(instance_type=name, weighted_capacity=1, ebs_configuration=disks)
        for name in instance_types
    ]


def _resize() -> emr.CfnCluster.InstanceFleetResizingSpecificationsProperty:
    return emr.CfnCluster.InstanceFleetResizingSpecificationsProperty(
        spot_resize_specification=emr.CfnCluster.SpotResizingSpecificationProperty(
            allocation_strategy="price-capacity-optimized", timeout_duration_minutes=SPOT_TIMEOUT_MINUTES
        )
    )


def _launch(*, spot: bool) -> emr.CfnCluster.InstanceFleetProvisioningSpecificationsProperty:
    on_demand_specification = emr.CfnCluster.OnDemandProvisioningSpecificationProperty(
        allocation_strategy="lowest-price"
    )
    spot_specification = emr.CfnCluster.SpotProvisioningSpecificationProperty(
        # The pools that are cheap and deep: reclaimed less often than the cheapest.
        allocation_strategy="price-capacity-optimized",
        timeout_action="SWITCH_TO_ON_DEMAND",
        timeout_duration_minutes=SPOT_TIMEOUT_MINUTES,
    )
    return emr.CfnCluster.InstanceFleetProvisioningSpecificationsProperty(
        on_demand_specification=on_demand_specification,
        spot_specification=spot_specification if spot else None,
    )
