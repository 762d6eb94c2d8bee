"""EMR: what moto does not answer ends in an error 500 without a word, and it knows no cluster of ours by groups."""

from botocore.session import get_session

from localcloud.emr import service
from localcloud.emr.errors import invalid

APPLICATION_PAGES = (
    "CreatePersistentAppUI",
    "DescribePersistentAppUI",
    "GetPersistentAppUIPresignedURL",
    "GetOnClusterAppUIPresignedURL",
)
OF_MOTO_CLUSTERS = (
    "AddInstanceGroups",
    "DescribeJobFlows",
    "ListInstanceGroups",
    "ModifyInstanceGroups",
    "PutAutoScalingPolicy",
    "RemoveAutoScalingPolicy",
)
"""What moto answers from clusters of its own kind, of which there are none."""


def close() -> None:
    """Refuse by name whatever nobody models; a gap that is closed after this one puts its answer in the place."""
    for operation in get_session().get_service_model("emr").operation_names:
        if operation in OF_MOTO_CLUSTERS or not service.is_answered(operation):
            service.serve(operation, refusal(operation))


def refusal(operation: str) -> service.Answer:
    """Return an answer that refuses an operation and says why."""
    told = (
        "The local cloud has no pages of Spark or other applications: its steps run without them."
        if operation in APPLICATION_PAGES
        else f"The local cloud does not model {operation} of EMR."
    )

    def refuse(_call: service.Call) -> service.Output:
        raise invalid(told)

    return refuse
