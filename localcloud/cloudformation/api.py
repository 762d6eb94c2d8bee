"""CloudFormation's API for the CDK, the AWS CLI and boto3: requests in, answers out, in AWS's names."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar
from urllib.parse import unquote, urlparse

from botocore.exceptions import ClientError
from moto.cloudformation.exceptions import CloudFormationError
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores

from localcloud.cloudformation import answers, parameters
from localcloud.cloudformation.context import stored_parameter
from localcloud.cloudformation.errors import RequestError
from localcloud.cloudformation.registry import Registry
from localcloud.cloudformation.service import CloudFormation, Request
from localcloud.cloudformation.stacks import ChangeSet, Scope, Stack
from localcloud.cloudformation.template import Template, parse, require_capabilities

LONGEST_BODY = 51200
"""Characters of a template in a request; a longer one must be in S3."""

PAGE = 100
"""Entries of one answer."""

Answer = Mapping[str, Any]


class CloudFormationResponse(BaseResponse):
    """Answers requests to CloudFormation; moto's server parses their parameters and writes the XML."""

    cloudformation: ClassVar[CloudFormation]
    """Set by the local cloud before it listens."""

    def __init__(self) -> None:
        super().__init__(service_name="cloudformation")
        self.automated_parameter_parsing = True

    def call_action(self) -> Any:  # noqa: ANN401
        """Answer one request; refuse an action that is not modelled by name."""
        action = self._get_action()
        method = getattr(self, f"_answer_{camelcase_to_underscores(action)}", None)
        self._authenticate_and_authorize_normal_action()
        try:
            answer = ActionResult((method() or {}) if method else _not_modelled(action))
        except RequestError as error:
            answer = ActionResult(CloudFormationError(error.code, error.message))
        status, headers, body = self.serialized(answer)
        headers, body = self._enrich_response(headers, body)
        return status, headers, body

    # Change sets.

    def _answer_create_change_set(self) -> Answer:
        made = self.cloudformation.create_change_set(
            self._scope,
            self._needed("StackName"),
            self._needed("ChangeSetName"),
            self.params.get("ChangeSetType", "UPDATE"),
            self._request(),
            self.params.get("Description"),
        )
        return {"Id": made.id, "StackId": made.stack.id}

    def _answer_describe_change_set(self) -> Answer:
        return answers.change_set(self._change_set())

    def _answer_execute_change_set(self) -> None:
        self.cloudformation.execute_change_set(
            self._change_set(),
            self.params.get("ClientRequestToken"),
            disable_rollback=bool(self.params.get("DisableRollback", False)),
        )

    def _answer_delete_change_set(self) -> None:
        self.cloudformation.delete_change_set(self._scope, self._needed("ChangeSetName"), self.params.get("StackName"))

    def _answer_list_change_sets(self) -> Answer:
        return self._page(
            "Summaries", [answers.change_set_summary(one) for one in self._registry.change_sets_of(self._stack())]
        )

    # Stacks.

    def _answer_create_stack(self) -> Answer:
        disable = bool(self.params.get("DisableRollback", False)) or self.params.get("OnFailure") == "DO_NOTHING"
        stack = self.cloudformation.create_stack(
            self._scope, self._needed("StackName"), self._request(), disable_rollback=disable
        )
        stack.termination_protection = bool(self.params.get("EnableTerminationProtection", False))
        return {"StackId": stack.id}

    def _answer_update_stack(self) -> Answer:
        disable = bool(self.params.get("DisableRollback", False))
        stack = self.cloudformation.update_stack(
            self._scope, self._needed("StackName"), self._request(), disable_rollback=disable
        )
        return {"StackId": stack.id}

    def _answer_delete_stack(self) -> None:
        if self.params.get("RetainResources"):
            raise RequestError("The local cloud does not model RetainResources")
        self.cloudformation.delete_stack(self._scope, self._needed("StackName"), self.params.get("ClientRequestToken"))

    def _answer_describe_stacks(self) -> Answer:
        # A deleted stack is found by its id only.
        found = [self._stack()] if self.params.get("StackName") else self._registry.living(self._scope)
        return self._page("Stacks", [self._described(stack) for stack in found])

    def _answer_list_stacks(self) -> Answer:
        wanted = self.params.get("StackStatusFilter")
        found = self._registry.all(self._scope)
        return self._page(
            "StackSummaries", [answers.stack_summary(one) for one in found if not wanted or one.status in wanted]
        )

    def _answer_describe_stack_events(self) -> Answer:
        stack = self._stack("Stack [{}] does not exist")
        return self._page("StackEvents", [answers.event(one) for one in reversed(stack.events)], key="EventId")

    def _answer_update_termination_protection(self) -> Answer:
        stack = self._stack()
        stack.termination_protection = bool(self.params["EnableTerminationProtection"])
        return {"StackId": stack.id}

    def _answer_set_stack_policy(self) -> None:
        # A policy without effect would be worse than none.
        raise RequestError("The local cloud does not model stack policies")

    def _answer_get_stack_policy(self) -> Answer:
        self._stack()
        return {}

    # Resources.

    def _answer_describe_stack_resources(self) -> Answer:
        if self.params.get("PhysicalResourceId"):
            raise RequestError("The local cloud does not model a search by PhysicalResourceId")
        stack, wanted = self._stack(), self.params.get("LogicalResourceId")
        found = answers.resources(stack)
        return {"StackResources": [one for one in found if wanted in (None, one["LogicalResourceId"])]}

    def _answer_describe_stack_resource(self) -> Answer:
        stack, wanted = self._stack(), self._needed("LogicalResourceId")
        for one in answers.resources(stack):
            if one["LogicalResourceId"] == wanted:
                return {"StackResourceDetail": {**one, "LastUpdatedTimestamp": one["Timestamp"]}}
        raise RequestError(f"Resource {wanted} does not exist for stack {stack.name}")

    def _answer_list_stack_resources(self) -> Answer:
        found = [{**one, "LastUpdatedTimestamp": one["Timestamp"]} for one in answers.resources(self._stack())]
        return self._page("StackResourceSummaries", found)

    # Templates and exports.

    def _answer_get_template(self) -> Answer:
        found = self._change_set() if self.params.get("ChangeSetName") else self._stack()
        if found.blueprint is None:
            # A stack with nothing but a change set has no template yet.
            return {"StagesAvailable": []}
        return {"TemplateBody": found.blueprint.template.text, "StagesAvailable": ["Original", "Processed"]}

    def _answer_get_template_summary(self) -> Answer:
        template = self._template()
        if template is None:
            blueprint = self._stack().blueprint
            if blueprint is None:
                raise RequestError("Either Template URL, Template Body or Stack Name must be specified.")
            template = blueprint.template
        return answers.template_summary(template)

    def _answer_validate_template(self) -> Answer:
        template = self._template()
        if template is None:
            raise RequestError("Either Template URL or Template Body must be specified.")
        summary = answers.template_summary(template)
        return {key: summary[key] for key in ("Parameters", "Description", "Capabilities") if key in summary}

    def _answer_list_exports(self) -> Answer:
        found = [
            {"ExportingStackId": stack.id, "Name": output.export, "Value": output.value}
            for stack in self._registry.living(self._scope)
            for output in stack.outputs
            if output.export is not None
        ]
        return self._page("Exports", sorted(found, key=lambda one: str(one["Name"])))

    def _answer_list_imports(self) -> Answer:
        name = self._needed("ExportName")
        found = [one.name for one in self._registry.living(self._scope) if name in one.imports]
        if not found:
            raise RequestError(f"Export '{name}' is not imported by any stack.")
        return self._page("Imports", found)

    # What requests have in common.

    def _needed(self, name: str) -> str:
        value = self.params.get(name)
        if not value:
            raise RequestError(
                f"1 validation error detected: Value null at '{name}' failed to satisfy constraint: "
                "Member must not be null"
            )
        return str(value)

    @property
    def _scope(self) -> Scope:
        return Scope(self.current_account, self.region)

    @property
    def _registry(self) -> Registry:
        return self.cloudformation.registry

    def _stack(self, missing: str = "Stack with id {} does not exist") -> Stack:
        return self._registry.stack(self._scope, self._needed("StackName"), missing)

    def _change_set(self) -> ChangeSet:
        return self._registry.change_set(self._scope, self._needed("ChangeSetName"), self.params.get("StackName"))

    def _described(self, stack: Stack) -> Answer:
        shown: Sequence[Mapping[str, str]] = ()
        if stack.blueprint is not None:
            read = partial(stored_parameter, self.cloudformation.client("ssm", self.region))
            shown = parameters.shown(stack.blueprint.template, stack.blueprint.parameters, read)
        return answers.stack(stack, shown)

    def _request(self) -> Request:
        if self.params.get("ResourcesToImport"):
            raise RequestError("The local cloud does not model ResourcesToImport")
        template = self._template()
        if template is None and not self.params.get("UsePreviousTemplate"):
            raise RequestError("Either Template URL or Template Body must be specified.")
        capabilities = self.params.get("Capabilities") or []
        if template is not None:
            require_capabilities(template, capabilities)
        given = {
            one["ParameterKey"]: None if one.get("UsePreviousValue") else one.get("ParameterValue", "")
            for one in self.params.get("Parameters") or ()
        }
        tags = self.params.get("Tags")
        return Request(
            template=template,
            parameters=given,
            tags=None if tags is None else {tag["Key"]: tag["Value"] for tag in tags},
            capabilities=capabilities,
            role=self.params.get("RoleARN"),
            token=self.params.get("ClientRequestToken"),
        )

    def _template(self) -> Template | None:
        body, url = self.params.get("TemplateBody"), self.params.get("TemplateURL")
        if body is not None:
            if len(body) > LONGEST_BODY:
                raise RequestError(
                    f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                    f"Member must have length less than or equal to {LONGEST_BODY}"
                )
            return parse(body)
        return None if url is None else parse(self._fetch(url))

    def _fetch(self, url: str) -> str:
        """Return a template from this cloud's S3, never from elsewhere."""
        parts = urlparse(url)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        host = parts.hostname or ""
        if ".s3." in host:
            bucket, key = host.split(".s3.", 1)[0], unquote(parts.path).lstrip("/")
        try:
            s3 = self.cloudformation.client("s3", self.region)
            return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
        except ClientError as error:
            raise RequestError(f"S3 error: {error.response['Error']['Message']}") from error

    def _page(self, name: str, entries: Sequence[Any], key: str | None = None) -> Answer:
        """Return one page of an answer.

        ``key`` names the field whose value marks the next page, so that new entries do not shift pages; None marks it
        by number.
        """
        token, start = self.params.get("NextToken"), 0
        if token is not None:
            places = [str(entry[key]) if key else str(number) for number, entry in enumerate(entries)]
            if token not in places:
                raise RequestError("Invalid NextToken")
            start = places.index(token)
        page, rest = entries[start : start + PAGE], entries[start + PAGE :]
        answer: dict[str, Any] = {name: page}
        if rest:
            answer["NextToken"] = str(rest[0][key]) if key else str(start + PAGE)
        return answer


def _not_modelled(action: str) -> CloudFormationError:
    """Return the refusal of an action as an answer; moto would answer with a 500."""
    return CloudFormationError("InvalidAction", f"The local cloud does not model cloudformation:{action}")
