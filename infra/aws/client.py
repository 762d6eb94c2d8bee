"""Call AWS: clients with retries, and an ``OrchardError`` for every failure of a call."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import boto3
from botocore import exceptions
from botocore.config import Config
from botocore.httpsession import get_cert_path

from infra import invocation
from infra.errors import (
    AwsBusyError,
    AwsNotReachedError,
    BucketGoneError,
    CommandError,
    NotAllowedError,
    SignInError,
    WrongClockError,
    WrongRegionError,
)
from job.errors import OrchardError

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_emr import EMRClient
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 8
"""How often a throttled or failed call is made before it counts as failed; the SDK waits longer each time."""

PAUSES = tuple(min(20.0, 0.25 * 2**failures) for failures in range(ATTEMPTS - 1))
"""Seconds between the attempts of a client that makes each call only once."""

CONNECTIONS = 64
"""Calls to S3 at the same time: an upload of small files waits for answers, not for the network's width."""


class Aws:
    """The account and region that a command works in; without a profile, the usual chain of credentials."""

    def __init__(self, region: str, profile: str | None = None) -> None:
        self.region = region
        self.profile = profile

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(profile_name=self.profile, region_name=self.region)

    @cached_property
    def s3(self) -> "S3Client":
        """Client of Amazon S3."""
        return self.client("s3")  # type: ignore[no-any-return]

    @cached_property
    def emr(self) -> "EMRClient":
        """Client of Amazon EMR."""
        return self.client("emr")  # type: ignore[no-any-return]

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """Client of AWS CloudFormation."""
        return self.client("cloudformation")  # type: ignore[no-any-return]

    @property
    def credentials(self) -> "Credentials | None":
        """What requests are signed with; None where there are none. They renew themselves when read."""
        return self._session.get_credentials()

    @property
    def certificates(self) -> str:
        """Path of the certificates that AWS's servers are checked against, as the AWS configuration has it."""
        return self._session._session.get_config_variable("ca_bundle") or str(get_cert_path(True))

    @property
    def on_this_machine(self) -> bool:
        """Whether calls go to a cloud on this machine, which costs nothing."""
        return urlsplit(self.emr.meta.endpoint_url).hostname in ("127.0.0.1", "::1", "localhost")

    def typed(self, arguments: str) -> str:
        """Return a command of the AWS CLI for this account and region, from its arguments: "s3 ls"."""
        # S3's commands find a bucket's region themselves.
        region = "" if arguments.startswith("s3 ") else f" --region {self.region}"
        return f"aws {arguments}{region}{f' --profile {self.profile}' if self.profile else ''}"

    def client(self, service: str, region: str | None = None, attempts: int = ATTEMPTS) -> Any:  # noqa: ANN401
        """Return a boto3 client of any service, in another region if one is named."""
        # "Adaptive" holds calls back even where it makes each of them only once.
        mode: Literal["adaptive", "standard"] = "adaptive" if attempts > 1 else "standard"
        configuration = Config(
            retries={"mode": mode, "total_max_attempts": attempts},
            max_pool_connections=CONNECTIONS,
            connect_timeout=10,
            read_timeout=60,
        )
        return self._session.client(  # type: ignore[call-overload]
            service, region_name=region or self.region, config=configuration
        )


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn a failure of AWS calls in the block into an OrchardError; ``doing`` continues "Could not"."""
    try:
        yield
    except (exceptions.BotoCoreError, exceptions.ClientError) as error:
        raise as_orchard_error(error, doing) from error


def as_orchard_error(error: Exception, doing: str) -> OrchardError:
    """Return the error to report for an exception, of botocore or any other, without the request's credentials."""
    if isinstance(error, exceptions.ClientError):
        return _refused(error, doing)
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return SignInError(
            f"Could not {doing}: there are no AWS credentials.",
            "Sign in (aws sso login, or aws configure), or name a profile with --profile.",
        )
    if isinstance(error, exceptions.ProfileNotFound):
        return SignInError(f"Could not {doing}: {error}.", "List the profiles: aws configure list-profiles")
    for kinds, message, hint in _SIGN_IN:
        if isinstance(error, kinds):
            return SignInError(f"Could not {doing}: {message}", hint)
    if isinstance(error, (exceptions.ConnectionError, exceptions.HTTPClientError)):
        return AwsNotReachedError(
            f"Could not {doing}: AWS could not be reached ({type(error).__name__}).",
            "Check the network, then rerun the command.",
        )
    return CommandError(f"Could not {doing}: {error}", "Rerun the command with --debug to see the whole traceback.")


_SIGN_IN: Sequence[tuple[tuple[type[Exception], ...], str, str]] = (
    (
        (exceptions.LoginInsufficientPermissions,),
        "the sign-in is not allowed to issue credentials to this machine.",
        "Ask the account's administrator for the permission signin:CreateOAuth2Token.",
    ),
    (
        (exceptions.LoginError,),
        "the sign-in has expired.",
        "Sign in again: aws login, with --profile if you use one",
    ),
    (
        (exceptions.SSOError, exceptions.TokenRetrievalError, exceptions.NoAuthTokenError),
        "the sign-in has expired.",
        "Sign in again: aws sso login, with --profile if you use one",
    ),
    (
        (exceptions.RefreshWithMFAUnsupportedError,),
        "the credentials have expired, and new ones require a code from your MFA device.",
        "Get new ones: aws sts get-session-token --serial-number ARN --token-code CODE",
    ),
    (
        (exceptions.CredentialRetrievalError,),
        "the program that supplies the credentials has failed.",
        "Run it yourself to see why: aws sts get-caller-identity",
    ),
)
"""Errors that botocore raises before it has credentials; the first matching kind counts."""

_REFUSALS: Sequence[tuple[frozenset[str], type[OrchardError], str, str]] = (
    (
        frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"}),
        SignInError,
        "the AWS credentials have expired.",
        "Sign in again: aws sso login",
    ),
    (
        frozenset(
            {"InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
        ),
        SignInError,
        "AWS does not accept the credentials ({code}).",
        "Check which are used: aws sts get-caller-identity",
    ),
    (
        frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}),
        NotAllowedError,
        "{operation} is not allowed. {message}",
        "Ask the account's administrator for this permission, or use another --profile.",
    ),
    (
        frozenset(
            {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
        ),
        AwsBusyError,
        f"AWS throttled {ATTEMPTS} attempts in a row ({{code}}).",
        "Wait a minute, then rerun the command.",
    ),
    (
        frozenset(
            {
                *("InternalError", "InternalFailure", "InternalServerException", "ServiceUnavailable"),
                *("500", "502", "503", "504", "RequestTimeout"),
            }
        ),
        AwsBusyError,
        f"AWS failed {ATTEMPTS} times in a row ({{code}}).",
        "Rerun the command later.",
    ),
    (
        frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}),
        WrongRegionError,
        "it is in another region ({code}).",
        "Add the option --region with its region.",
    ),
    (
        frozenset({"NoSuchBucket"}),
        BucketGoneError,
        "the bucket does not exist.",
        "Check its name. If it is of OrchardData and was deleted by hand, recreate it: {destroy}, then {deploy}",
    ),
    (
        frozenset({"RequestTimeTooSkewed"}),
        WrongClockError,
        "this machine's clock is wrong.",
        "Set the clock, then rerun the command.",
    ),
)
"""Error codes of AWS, with the class, message and hint of each."""


def error_code(error: exceptions.ClientError) -> str:
    """Return AWS' code of an error, such as "NoSuchEntity"; empty if it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: exceptions.ClientError, doing: str) -> OrchardError:
    answer = error.response.get("Error", {})
    values = {
        "code": error_code(error) or "error",
        "operation": error.operation_name,
        "message": " ".join(answer.get("Message", "").split()),
        "destroy": invocation.cdk("destroy OrchardData"),
        "deploy": invocation.cdk("deploy OrchardData"),
    }
    for codes, kind, message, hint in _REFUSALS:
        if values["code"] in codes:
            return kind(f"Could not {doing}: {message.format(**values)}".rstrip(), hint.format(**values))
    return CommandError(
        f"Could not {doing}: {values['code']} by {values['operation']}. {values['message']}".rstrip(),
        "Rerun the command with --debug to see the whole traceback.",
    )
