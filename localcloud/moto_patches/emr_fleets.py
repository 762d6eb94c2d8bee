"""EMR: moto knows instance groups only, and has no node for a cluster that was asked for in fleets."""

from localcloud.emr import service
from localcloud.emr.errors import invalid, invalid_request
from localcloud.emr.service import Call, Output


def close() -> None:
    """Answer what concerns fleets and their nodes."""
    service.serve("ListInstanceFleets", list_instance_fleets, pages=True)
    service.serve("ModifyInstanceFleet", modify_instance_fleet)
    service.serve("ListInstances", list_instances, pages=True)


def list_instance_fleets(call: Call) -> Output:
    """Tell a cluster's fleets."""
    cluster = call.cluster
    with cluster.lock:
        return {"InstanceFleets": [fleet.described() for fleet in cluster.fleets]}


def modify_instance_fleet(call: Call) -> Output:
    """Give a fleet another size."""
    cluster, asked = call.cluster, call.request["InstanceFleet"]
    with cluster.lock:
        if cluster.is_ending:
            raise invalid("A job flow that is shutting down, terminated, or finished may not be modified.")
        for fleet in cluster.fleets:
            if fleet.id == asked["InstanceFleetId"]:
                fleet.resize(
                    asked.get("TargetOnDemandCapacity", fleet.on_demand),
                    asked.get("TargetSpotCapacity", fleet.spot),
                    call.now,
                )
                return {}
    raise invalid_request(f"Instance fleet id '{asked['InstanceFleetId']}' is not valid.")


def list_instances(call: Call) -> Output:
    """Tell a cluster's nodes, also those that are gone."""
    if call.request.get("InstanceGroupId") or call.request.get("InstanceGroupTypes"):
        raise invalid_request("Instance fleets and instance groups are mutually exclusive.")
    cluster, states = call.cluster, call.request.get("InstanceStates")
    kind, wanted = call.request.get("InstanceFleetType"), call.request.get("InstanceFleetId")
    with cluster.lock:
        return {
            "Instances": [
                node.described(fleet.id)
                for fleet in cluster.fleets
                if kind in (None, fleet.kind) and wanted in (None, fleet.id)
                for node in fleet.nodes
                if not states or node.state in states
            ]
        }
