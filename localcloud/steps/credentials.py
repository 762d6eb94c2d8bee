"""The credentials of a cluster's nodes: temporary ones of the role in its instance profile, as EC2 gives them."""

import threading
from collections.abc import Mapping

import boto3
from botocore.config import Config

from localcloud.environment import ADMINISTRATOR

MAKING_CLIENTS = threading.Lock()
"""boto3's clients may be used by many threads, but made by one at a time only."""


def assume(endpoint: str, region: str, role: str, session: str) -> Mapping[str, str]:
    """Return temporary credentials of a role, by the names of their environment variables.

    The administrator asks for them; on AWS, EC2 itself hands the role's credentials to a node.
    """
    with MAKING_CLIENTS:
        sts = boto3.client(
            "sts",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=ADMINISTRATOR,
            aws_secret_access_key=ADMINISTRATOR,
            config=Config(proxies={}),
        )
    given = sts.assume_role(RoleArn=role, RoleSessionName=session)["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }
