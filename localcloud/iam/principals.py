"""Finds the owner of an access key, and its policies, in moto's IAM and STS."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.utils import utcnow
from moto.iam.models import IAMBackend, iam_backends
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from localcloud.clients import ADMINISTRATOR
from localcloud.iam.policies import Policies, Policy

_CDK_ROLE = "cdk-"
"""Prefix of the roles that `cdk bootstrap` creates. They act for the administrator and are not restricted:
CloudFormation works with the administrator's key here, not with the role that it is passed."""


@dataclass(frozen=True)
class Principal:
    """The owner of an access key; ``token`` and ``expires`` are None for a user."""

    arn: str
    account: str
    secret: str
    token: str | None
    expires: datetime.datetime | None
    unrestricted: bool
    policies: Policies
    context: Mapping[str, list[str]]

    @property
    def expired(self) -> bool:
        """Whether its session is over."""
        return self.expires is not None and utcnow() > self.expires


def find(key: str) -> Principal | None:
    """Return the owner of an access key, None for an unknown key."""
    if key == ADMINISTRATOR:
        return Principal("", "", ADMINISTRATOR, None, None, True, Policies(frozenset(), ()), {})
    for account, partitions in list(iam_backends.items()):
        found = _user(partitions["aws"], account, key) or _session(partitions["aws"], account, key)
        if found is not None:
            return found
    return None


def by_arn(arn: str) -> Principal | None:
    """Return the user or role of an ARN, without its secret; None for an unknown one.

    The administrator is not a user of IAM: its ARN names the service STS.
    """
    account = arn.split(":")[4]
    if arn.split(":")[2] == "sts":
        return Principal(arn, account, "", None, None, True, Policies(frozenset(), ()), {})
    backend = iam_backends[account]["aws"]
    for user in list(backend.users.values()):
        if user.arn == arn:
            return _of_user(backend, account, user, "")
    for role in list(backend.roles.values()):
        if role.arn == arn:
            policies = Policies(frozenset({arn, _root(account)}), _policies(role), _bounds(backend, role))
            context = {"aws:principalarn": [arn], "aws:principaltype": ["AssumedRole"]}
            return Principal(arn, account, "", None, None, _acts_for_administrator(arn), policies, context)
    return None


def bucket_policies(bucket: str) -> list[Policy]:
    """Return the policy of a bucket, if it has one."""
    place = s3_backends.bucket_accounts.get(bucket)
    if place is None:
        return []
    partition, account = place
    policy = s3_backends[account][partition].buckets[bucket].policy
    return [_document(policy)] if policy else []


def _user(backend: IAMBackend, account: str, key: str) -> Principal | None:
    for user in list(backend.users.values()):
        for access_key in user.access_keys:
            if access_key.access_key_id != key or access_key.status != "Active":
                continue
            return _of_user(backend, account, user, access_key.secret_access_key)
    return None


def _of_user(backend: IAMBackend, account: str, user: Any, secret: str) -> Principal:  # noqa: ANN401 - moto's own
    groups = backend.get_groups_for_user(user.name)
    identity = [policy for holder in (user, *groups) for policy in _policies(holder)]
    context = {
        "aws:principalarn": [user.arn],
        "aws:principaltype": ["User"],
        "aws:userid": [user.id],
        "aws:username": [user.name],
    }
    policies = Policies(frozenset({user.arn, _root(account)}), identity, _bounds(backend, user))
    return Principal(user.arn, account, secret, None, None, False, policies, context)


def _session(backend: IAMBackend, account: str, key: str) -> Principal | None:
    session = sts_backends[account]["aws"].get_assumed_role_from_access_key(key)
    if session is None:
        return None
    role = next((one for one in list(backend.roles.values()) if one.arn == session.role_arn), None)
    # Permissions are looked up at every call: a deleted role has none.
    identity = [] if role is None else _policies(role)
    bounds = [] if role is None else _bounds(backend, role)
    if session.policy:
        bounds.append([_document(session.policy)])
    context = {
        "aws:principalarn": [session.role_arn],
        "aws:principaltype": ["AssumedRole"],
        "aws:userid": [session.user_id],
    }
    arns = frozenset({session.arn, session.role_arn, _root(account)})
    return Principal(
        arn=session.arn,
        account=account,
        secret=session.secret_access_key,
        token=session.session_token,
        expires=session.expiration,
        unrestricted=_acts_for_administrator(session.role_arn),
        policies=Policies(arns, identity, bounds),
        context=context,
    )


def _bounds(backend: IAMBackend, holder: Any) -> list[list[Policy]]:  # noqa: ANN401 - moto's own
    """Return the permissions boundary of a user or role; one whose policy was deleted allows nothing."""
    arn = getattr(holder, "permissions_boundary_arn", None)
    if not arn:
        return []
    boundary = backend.managed_policies.get(arn)
    return [[] if boundary is None else [_default(boundary)]]


def _root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def _acts_for_administrator(role: str) -> bool:
    return role.rsplit("/", 1)[-1].startswith(_CDK_ROLE)


def _policies(holder: Any) -> list[Policy]:  # noqa: ANN401
    """Return the inline and managed policies of a user, a group or a role."""
    return [*map(_document, list(holder.policies.values())), *map(_default, list(holder.managed_policies.values()))]


def _default(managed: Any) -> Policy:  # noqa: ANN401
    versions = (version for version in managed.versions if version.version_id == managed.default_version_id)
    return _document(next(versions).document)


def _document(text: Any) -> Policy:  # noqa: ANN401
    return text if isinstance(text, dict) else dict(json.loads(text))
