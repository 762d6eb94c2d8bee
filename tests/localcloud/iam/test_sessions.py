"""Sessions and users at the middleware, with moto in this process: sessions expire, boundaries narrow."""

import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto import mock_aws
from moto.sts.models import sts_backends
from werkzeug.test import Client
from werkzeug.wrappers import Response

from localcloud.iam.middleware import IamMiddleware
from localcloud.iam.policies import Action, Policies, allowed
from localcloud.moto_patches import iam
from tests.localcloud.conftest import REGION, make_client
from tests.localcloud.moto_patches.in_process import apply

ACCOUNT = "123456789012"


@pytest.fixture
def client() -> Iterator[Callable[[str], Any]]:
    """Return what makes clients of moto, in an account of this test's own."""
    with mock_aws():
        yield lambda service: make_client(None, service)


def answered(
    given: dict[str, Any], service: str, request: AWSRequest, *, hash_said: bool = False, sent: str | None = None
) -> str:
    """Return status and code of the middleware's answer to a signed request, 200 if it passes it on.

    ``hash_said`` states the hash of the body in a header, as clients of S3 and the SDK for JavaScript do; ``sent`` is
    another body than the signed one.
    """
    credentials = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given.get("SessionToken"))
    signer = S3SigV4Auth if service == "s3" or hash_said else SigV4Auth
    signer(credentials, service, REGION).add_auth(request)
    answer = Client(IamMiddleware(Response("done"))).open(
        path="/" + str(request.url).split("/", 3)[3],
        method=request.method,
        data=request.body if sent is None else sent,
        headers=[("Host", "localhost"), *((n, v) for n, v in request.headers.items() if n.lower() != "host")],
    )
    return f"{answer.status_code} {answer.headers.get('x-amzn-ErrorType', '')}".strip()


def address_of(host: str = "127.0.0.1:5055", **headers: str) -> str:
    """Return status and code, or text, that answer a request signed with the administrator's key."""
    request = AWSRequest("GET", f"http://{host}/a-bucket")
    S3SigV4QueryAuth(Credentials("testing", "testing"), "s3", REGION).add_auth(request)
    answer = Client(IamMiddleware(Response("done"))).get(
        "/a-bucket?" + str(request.url).partition("?")[2],
        headers=[("Host", host), *((name.replace("_", "-"), value) for name, value in headers.items())],
    )
    return f"{answer.status_code} {answer.headers.get('x-amzn-ErrorType', answer.text)}"


@pytest.mark.parametrize("host", ["127.0.0.1:5055", "localhost:5055", "bucket.localhost:5055", "[::1]:5055"])
def test_answers_programs_that_call_this_machine(host: str) -> None:
    assert address_of(host) == "200 done"


@pytest.mark.parametrize(
    "host",
    ["evil.example.org:5055", "127.0.0.1.evil.example.org", "localhost.evil.org", "0.0.0.0"],  # noqa: S104 - asked
)
def test_refuses_dns_rebinding_with_a_valid_signature(host: str) -> None:
    assert address_of(host) == "403 AccessDenied"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_refuses_cross_site_requests_with_a_valid_signature(headers: dict[str, str]) -> None:
    assert address_of(**headers) == "403 AccessDenied"


def test_answers_a_url_opened_in_a_browser() -> None:
    assert address_of(Sec_Fetch_Site="none") == "200 done"


def requests() -> dict[str, AWSRequest]:
    """Return a request to a service of every kind."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    target = {"X-Amz-Target": "ElasticMapReduce.ListClusters", "Content-Type": "application/x-amz-json-1.1"}
    return {
        "s3": AWSRequest("GET", "http://localhost/a-bucket"),
        "sts": AWSRequest("POST", "http://localhost/", form, "Action=GetCallerIdentity&Version=2011-06-15"),
        "elasticmapreduce": AWSRequest("POST", "http://localhost/", target, "{}"),
        "ec2": AWSRequest("POST", "http://localhost/", form, "Action=DescribeVpcs&Version=2016-11-15"),
    }


def assume(client: Callable[[str], Any], *actions: str, **more: Any) -> dict[str, Any]:
    """Return the credentials of a session of a role that is allowed some actions."""
    iam = client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    boundary = {"PermissionsBoundary": more.pop("boundary")} if "boundary" in more else {}
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}), **boundary)
    iam.put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=document(*actions))
    assumed = client("sts").assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="session", **more)
    given: dict[str, Any] = assumed["Credentials"]
    return given


def document(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_an_expired_session_gets_each_services_error(client: Callable[[str], Any]) -> None:
    given = assume(client, "*")
    assert {name: answered(given, name, request) for name, request in requests().items()} == dict.fromkeys(
        requests(), "200"
    )

    # When its hour has passed
    (session,) = sts_backends[ACCOUNT]["aws"].assumed_roles
    session.expiration -= datetime.timedelta(hours=1, seconds=1)

    assert {name: answered(given, name, request) for name, request in requests().items()} == {
        "s3": "400 ExpiredToken",
        "sts": "403 ExpiredToken",
        "elasticmapreduce": "400 ExpiredTokenException",
        "ec2": "400 RequestExpired",
    }


def test_reads_the_operation_when_a_header_states_the_hash(client: Callable[[str], Any]) -> None:
    given = assume(client, "ec2:DescribeVpcs")
    asked = requests()

    assert answered(given, "sts", asked["sts"], hash_said=True) == "200"
    assert answered(given, "ec2", asked["ec2"], hash_said=True) == "200"
    assert answered(given, "elasticmapreduce", asked["elasticmapreduce"], hash_said=True) == (
        "400 AccessDeniedException"
    )


def test_refuses_a_changed_body_when_a_header_states_the_hash(
    client: Callable[[str], Any],
) -> None:
    given = assume(client, "ec2:*")
    other = "Action=DeleteVpc&VpcId=vpc-1&Version=2016-11-15"

    assert answered(given, "ec2", requests()["ec2"], hash_said=True, sent=other) == "401 AuthFailure"


def test_a_permissions_boundary_narrows_what_a_role_is_allowed(client: Callable[[str], Any]) -> None:
    policy = client("iam").create_policy(PolicyName="bound", PolicyDocument=document("ec2:*", "s3:*"))
    given = assume(client, "ec2:DescribeVpcs", "elasticmapreduce:*", boundary=policy["Policy"]["Arn"])

    # Allowed by both, by the role alone, by the boundary alone
    assert answered(given, "ec2", requests()["ec2"]) == "200"
    assert answered(given, "elasticmapreduce", requests()["elasticmapreduce"]) == "400 AccessDeniedException"
    assert answered(given, "s3", requests()["s3"]) == "403 AccessDenied"


def test_a_permissions_boundary_narrows_what_a_user_is_allowed(
    client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(monkeypatch, iam)
    own = client("iam")
    policy = own.create_policy(PolicyName="bound", PolicyDocument=document("ec2:*", "s3:*"))
    own.create_user(UserName="operator", PermissionsBoundary=policy["Policy"]["Arn"])
    own.put_user_policy(
        UserName="operator", PolicyName="own", PolicyDocument=document("ec2:DescribeVpcs", "elasticmapreduce:*")
    )
    given = own.create_access_key(UserName="operator")["AccessKey"]

    assert answered(given, "ec2", requests()["ec2"]) == "200"
    assert answered(given, "elasticmapreduce", requests()["elasticmapreduce"]) == "400 AccessDeniedException"
    assert answered(given, "s3", requests()["s3"]) == "403 AccessDenied"


def test_a_session_policy_narrows_its_session(client: Callable[[str], Any]) -> None:
    given = assume(client, "ec2:*", "elasticmapreduce:*", Policy=document("ec2:*"))

    assert answered(given, "ec2", requests()["ec2"]) == "200"
    assert answered(given, "elasticmapreduce", requests()["elasticmapreduce"]) == "400 AccessDeniedException"


def test_sessions_of_a_deleted_role_have_no_permissions(client: Callable[[str], Any]) -> None:
    given = assume(client, "ec2:*")
    iam = client("iam")
    iam.delete_role_policy(RoleName="worker", PolicyName="own")
    iam.delete_role(RoleName="worker")

    assert answered(given, "ec2", requests()["ec2"]) == "403 UnauthorizedOperation"


def test_bucket_policies_bypass_boundaries_and_any_denial_wins() -> None:
    asked = Action("s3:GetObject", "arn:aws:s3:::bucket/key")

    def policy(effect: str) -> dict[str, Any]:
        return {"Statement": {"Effect": effect, "Action": "s3:*", "Resource": "*"}}

    none = frozenset({"arn"})
    of_a_bucket = {"Statement": policy("Allow")["Statement"] | {"Principal": "*"}}
    assert not allowed(asked, Policies(none, []))
    assert not allowed(asked, Policies(none, [policy("Allow")], [[]]))
    assert allowed(asked, Policies(none, [policy("Allow")], [[policy("Allow")]]))
    assert allowed(asked, Policies(none, [], resource=[of_a_bucket]))
    assert not allowed(asked, Policies(none, [policy("Allow")], [[policy("Allow"), policy("Deny")]]))
    assert not allowed(asked, Policies(none, [policy("Allow"), policy("Deny")]))
