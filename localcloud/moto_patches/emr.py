"""EMR: moto's clusters are ready or ended at once, and drop most of what was requested.

Fleets, policies and the scale-down behaviour are lost, groups named ElasticMapReduce-* are created besides the given
ones, roles and profiles are not checked, and states have no reason code. Steps run forever or never. Auto-termination
and managed scaling policies are answered with 500, security configurations are not listed, and the region is read from
the host name alone, so that a server keeps every cluster in us-east-1. `localcloud.emr` answers instead.
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.session import get_session
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores
from moto.emr.exceptions import InvalidRequestException, ValidationException
from moto.emr.responses import ElasticMapReduceResponse

from localcloud.emr import service
from localcloud.emr.api import ANSWERS, PAGED, Answer, Output, page
from localcloud.emr.service import Call
from localcloud.emr.validation import RefusedError, invalid
from localcloud.moto_patches import Replace

_EXCEPTIONS = {"ValidationException": ValidationException, "InvalidRequestException": InvalidRequestException}
"""moto's own classes: it finds the format of EMR's errors by their module."""

APPLICATION_PAGES = (
    *("CreatePersistentAppUI", "DescribePersistentAppUI"),
    *("GetPersistentAppUIPresignedURL", "GetOnClusterAppUIPresignedURL"),
)
OF_MOTO_CLUSTERS = (
    *("AddInstanceGroups", "DescribeJobFlows", "ListInstanceGroups", "ModifyInstanceGroups"),
    *("PutAutoScalingPolicy", "RemoveAutoScalingPolicy"),
)
"""Operations that moto answers from its own clusters, of which there are none."""


def apply(replace: Replace) -> None:
    """Answer every operation of EMR from `localcloud.emr`, else from moto, else refuse it by name."""
    replace(ElasticMapReduceResponse, "get_region_from_url", BaseResponse.get_region_from_url)
    for operation in get_session().get_service_model("emr").operation_names:
        name = camelcase_to_underscores(operation)
        if operation in ANSWERS:
            replace(ElasticMapReduceResponse, name, method(ANSWERS[operation], pages=operation in PAGED))
        elif operation in OF_MOTO_CLUSTERS or not hasattr(ElasticMapReduceResponse, name):
            replace(ElasticMapReduceResponse, name, method(refusal(operation), pages=False))


def method(answer: Answer, *, pages: bool) -> Callable[[ElasticMapReduceResponse], ActionResult]:
    """Return a method of moto's responses that gives an answer."""

    def respond(response: ElasticMapReduceResponse) -> ActionResult:
        body: Any = response.body
        call = Call(json.loads(body or "{}"), response.current_account, response.region, service.now())
        try:
            given = answer(call)
            return ActionResult(page(given, call.request.get("Marker")) if pages else dict(given))
        except RefusedError as error:
            raise _EXCEPTIONS[error.code](error.message) from error

    return respond


def refusal(operation: str) -> Answer:
    """Return an answer that refuses an operation and says why."""
    message = (
        "The local cloud does not serve the web pages of Spark or other applications."
        if operation in APPLICATION_PAGES
        else f"The local cloud does not model {operation} of EMR."
    )

    def refuse(_call: Call) -> Output:
        raise invalid(message)

    return refuse
