"""EMR: moto's first step is RUNNING for ever and the others PENDING; none can be cancelled or fail."""

from localcloud.emr import service
from localcloud.emr.service import Call, Output


def close() -> None:
    """Answer what concerns steps; ``localcloud.steps`` runs them."""
    service.serve("AddJobFlowSteps", add_job_flow_steps)
    service.serve("CancelSteps", cancel_steps)
    service.serve("DescribeStep", describe_step)
    service.serve("ListSteps", list_steps, pages=True)


def add_job_flow_steps(call: Call) -> Output:
    """Attach steps to a cluster."""
    cluster = call.cluster
    with cluster.lock:
        return {"StepIds": [step.id for step in cluster.add_steps(call.request["Steps"], call.now)]}


def cancel_steps(call: Call) -> Output:
    """Cancel steps that wait or run; tell for each whether that is possible."""
    cluster, told = call.cluster, []
    with cluster.lock:
        steps = [cluster.step(each) for each in call.request["StepIds"]]
        for step in steps:
            why_not = cluster.cancel(step, call.request.get("StepCancellationOption", ""), call.now)
            told.append(
                {"StepId": step.id, "Status": "FAILED" if why_not else "SUBMITTED"}
                | ({"Reason": why_not} if why_not else {})
            )
    return {"CancelStepsInfoList": told}


def describe_step(call: Call) -> Output:
    """Tell everything about a step."""
    cluster = call.cluster
    with cluster.lock:
        return {"Step": cluster.step(call.request["StepId"]).described()}


def list_steps(call: Call) -> Output:
    """Tell a cluster's steps, newest first."""
    cluster, ids, states = call.cluster, call.request.get("StepIds"), call.request.get("StepStates")
    with cluster.lock:
        return {
            "Steps": [
                step.described()
                for step in reversed(cluster.steps)
                if (not ids or step.id in ids) and (not states or step.state in states)
            ]
        }
