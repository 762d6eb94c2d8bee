"""Give the job's own code, when it runs in this process, the account of the command."""

import argparse
import os


def give_account(given: argparse.Namespace) -> None:
    """Put ``--profile`` and ``--region`` into the environment, by which alone the job reads S3."""
    variables = {"AWS_PROFILE": given.profile, "AWS_REGION": given.region}
    os.environ.update({name: value for name, value in variables.items() if value})
