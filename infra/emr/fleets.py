"""The instance fleets of a cluster: which nodes, how many, on demand or Spot."""

from collections.abc import Sequence

from aws_cdk import aws_emr as emr

from infra.emr.instance_types import DISK_GIB, Capacity

SPOT_TIMEOUT_MINUTES = 10
"""How long EMR looks for Spot capacity before it takes nodes on demand."""
_Fleet = emr.CfnCluster.InstanceFleetConfigProperty


def on_demand_fleet(name: str, instance_types: Sequence[str], count: int) -> _Fleet:
    """Return a fleet that is on demand: primary and core nodes, without which a cluster is lost."""
    return _Fleet(
        name=name,
        instance_type_configs=_types(instance_types),
        target_on_demand_capacity=count,
        launch_specifications=_launch(spot=False),
    )


def task_fleet(name: str, instance_types: Sequence[str], capacity: Capacity) -> _Fleet:
    """Return a fleet of task nodes, which may vanish; EMR buys on demand what Spot cannot give."""
    return _Fleet(
        name=name,
        instance_type_configs=_types(instance_types),
        target_on_demand_capacity=capacity.on_demand,
        target_spot_capacity=capacity.spot,
        launch_specifications=_launch(spot=capacity.spot > 0),
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
