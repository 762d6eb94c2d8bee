"""The demonstration on a local cloud, stage by stage: the real commands, and what AWS's services show of them."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra.aws import stacks
from infra.aws.cdk import PROJECT, with_programs
from infra.commands.sample_photos import draw_photos
from infra.context import Context
from infra.errors import LocalCloudError
from job.errors import OrchardError, WeightsPackageError
from job.features.network import IMAGENET, RANDOM
from job.features.network.export import ExportRequest, cached_export
from localcloud import client_maker, environment

PACKAGED, DOWNLOADED = "efficientnet_lite0", "mobilenet_v2"
"""The networks of the demo: the one whose ImageNet weights set-up installs, and the one that Keras has weights of."""
RUN = "demo"
TRAINING_ANGLES, TEST_ANGLES = 15, 5
"""Photos a kind of fruit."""

BOUNDARY = "OrchardBoundary"
"""Policy that limits every role and user of the stacks, as cdk.json names it."""
STACKS = (stacks.DATA, stacks.ACCESS, stacks.CLUSTER)
STAGES = 8


@dataclass
class Demonstration:
    """The stages of ``orchard demo``, and what they share."""

    context: Context
    folder: Path
    region: str
    _client: Callable[[str], Any] = field(init=False)
    _synthesis: "Future[subprocess.CompletedProcess[str]]" = field(init=False)
    _drawing: "Future[tuple[Path, Path, int]]" = field(init=False)
    _stage: int = field(init=False, default=0)
    _ids: dict[str, str] = field(init=False, default_factory=dict)

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Print the title of a stage, and how long the block took."""
        self._stage += 1
        self.context.say(f"[{self._stage}/{STAGES}] {title}")
        began = self.context.clock()
        yield
        self.context.say(f"  {self.context.clock() - began:.1f} s")

    def prepare(self) -> None:
        """Synthesize the templates, then draw the photos, in the background while the cloud starts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log.write_text("")
        background = ThreadPoolExecutor(1)
        self._synthesis = background.submit(self._synthesise, with_programs(environment.without_account(os.environ)))
        self._drawing = background.submit(self._draw)
        background.shutdown(wait=False)

    def show(self, endpoint: str, backbone: ExportRequest, variables: Mapping[str, str]) -> None:
        """Run every stage but the last, once prepared."""
        self._client = client_maker(endpoint, self.region)
        self._show_deployment(variables)
        with self.stage("orchard upload sends the photos"):
            training, test, drawn = self._drawing.result()
            self.context.say(f"  {drawn} photos drawn in {self.folder / 'photos'}")
            self._orchard(["upload", str(training), "fruits"], variables)
            self._orchard(["upload", str(test), "fruits-test"], variables)
        with self.stage("orchard run: a step on the cluster, under the cluster's own role"):
            sets = ["--images", "fruits", "--test", "fruits-test"]
            options = ["--name", RUN, "--on", "emr", "--classifier", "logistic"]
            network = ["--backbone", backbone.backbone, "--weights", backbone.weights]
            self._orchard(["run", *sets, *options, *network], variables)
            self._say_steps()
        with self.stage("The evaluator reads the results, and may change nothing"):
            self._say_evaluator(endpoint)
        with self.stage("orchard results fetches what the run made"):
            self._orchard(fetch_command(self.folder / "results"), variables)

    def _show_deployment(self, variables: Mapping[str, str]) -> None:
        with self.stage("cdk bootstrap prepares the account"):
            account = self._client("sts").get_caller_identity()["Account"]
            # As an administrator does in a real account: docs/running-on-aws.md.
            self._client("iam").create_policy(
                PolicyName=BOUNDARY, PolicyDocument=(PROJECT / "docs" / "policies" / "boundary.json").read_text()
            )
            self._call(["cdk", "bootstrap", f"aws://{account}/{self.region}"], variables, self.folder)
            self._say_states([stacks.TOOLKIT])
        with self.stage("cdk deploy creates every stack"):
            # Started in prepare().
            synthesised = self._synthesis.result()
            self._say_command(synthesised.args)
            with self._log.open("a") as log:
                log.write(synthesised.stdout)
            self._require_success(synthesised.args, synthesised.returncode)
            self._call(deploy_command(self._assembly), variables)
            self._say_states(STACKS)
            self._say_cluster()

    def take_down(self, variables: Mapping[str, str]) -> None:
        """Run the last stage: delete everything."""
        with self.stage("orchard destroy takes everything down"):
            self._orchard(["destroy", "--delete-data", "--yes"], variables)
            for name in STACKS:
                self.context.say(f"  {self._stack(self._ids[name])['StackStatus']:<16} {name}")

    def say_where_to_look(self, seconds: float) -> None:
        """Print which files to look at."""
        self.context.say("")
        self.context.say(f"The demonstration took {seconds:.0f} s. Look at:")
        for name, content in (
            ("results/report.html", "the report"),
            ("results", "features, components, classifier, manifest"),
            ("log.txt", "output of the CDK"),
        ):
            if (self.folder / name).exists():
                self.context.say(f"  {self.folder / name}: {content}")

    @cached_property
    def _log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def _assembly(self) -> Path:
        """Folder of the templates: not the project's cdk.out, which another deployment may be reading."""
        return self.folder / "cdk.out"

    def _synthesise(self, variables: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """Synthesize every stack; return the ended process."""
        return subprocess.run(
            synth_command(self.region, platform.machine(), self._assembly),
            cwd=PROJECT,
            env=dict(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def _draw(self) -> tuple[Path, Path, int]:
        """Draw the photos; return the training folder, the test folder and the number of photos."""
        training, test = self.folder / "photos" / "training", self.folder / "photos" / "test"
        drawn = draw_photos(training, TRAINING_ANGLES, seed=1) + draw_photos(test, TEST_ANGLES, seed=2)
        return training, test, drawn

    def _call(self, command: Sequence[str], variables: Mapping[str, str], folder: Path = PROJECT) -> None:
        """Run a program with its output in the log; raise LocalCloudError with its last line if it fails."""
        self._say_command(command)
        with self._log.open("a") as log:
            code = subprocess.run(
                command, cwd=folder, env=dict(variables), stdout=log, stderr=log, check=False
            ).returncode
        self._require_success(command, code)

    def _say_command(self, command: Sequence[str]) -> None:
        """Print a command, and write it to the log before its output."""
        self.context.say(f"  $ {' '.join(command)}")
        with self._log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n")

    def _require_success(self, command: Sequence[str], code: int) -> None:
        """Raise LocalCloudError with the last line of a program that failed."""
        if code != 0:
            raise LocalCloudError(
                f"'{' '.join(command[:2])}' failed: {self._log.read_text().rstrip().splitlines()[-1]}",
                f"See its whole output in {self._log}",
            )

    def _orchard(self, argv: Sequence[str], variables: Mapping[str, str]) -> None:
        """Run a command of ours, which prints to this terminal itself."""
        self.context.say(f"  $ orchard {' '.join(argv)}")
        command = [sys.executable, "-m", "infra.cli", *argv]
        if subprocess.run(command, cwd=PROJECT, env=dict(variables), check=False).returncode != 0:
            raise LocalCloudError(
                f"'orchard {argv[0]}' failed; its message is above.", "Fix that cause, then rerun: orchard demo"
            )

    def _stack(self, name: str) -> Mapping[str, Any]:
        described: Mapping[str, Any] = self._client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return described

    def _say_states(self, names: Sequence[str]) -> None:
        for name in names:
            stack = self._stack(name)
            self._ids[name] = stack["StackId"]
            self.context.say(f"  {stack['StackStatus']:<16} {name}")

    def _say_cluster(self) -> None:
        for cluster in self._client("emr").list_clusters()["Clusters"]:
            self.context.say(f"  {cluster['Status']['State']:<16} {cluster['Name']} {cluster['Id']}")

    def _say_steps(self) -> None:
        emr = self._client("emr")
        for cluster in emr.list_clusters()["Clusters"]:
            for step in emr.list_steps(ClusterId=cluster["Id"])["Steps"]:
                self.context.say(f"  {step['Status']['State']:<16} {step['Name']} {step['Id']}")

    def _say_evaluator(self, endpoint: str) -> None:
        """Read and write with the evaluator's key, and print what S3 answered."""
        access, bucket = self._outputs(stacks.ACCESS), self._outputs(stacks.DATA)["DataBucket"]
        secret = self._client("secretsmanager").get_secret_value(SecretId=access["EvaluatorSecret"])["SecretString"]
        s3 = evaluator_client(json.loads(secret), endpoint, self.region)
        manifest = f"results/{RUN}/manifest.json"
        calls: Mapping[str, Callable[[], Any]] = {
            f"list s3://{bucket}/results/": lambda: s3.list_objects_v2(Bucket=bucket, Prefix="results/"),
            f"read s3://{bucket}/{manifest}": lambda: s3.get_object(Bucket=bucket, Key=manifest),
            f"write s3://{bucket}/{manifest}": lambda: s3.put_object(Bucket=bucket, Key=manifest, Body=b"{}"),
            f"delete s3://{bucket}/{manifest}": lambda: s3.delete_object(Bucket=bucket, Key=manifest),
        }
        answers = {name: answer(call) for name, call in calls.items()}
        for name, said in answers.items():
            self.context.say(f"  {said:<16} {name}")
        if list(answers.values()) != ["200", "200", "AccessDenied", "AccessDenied"]:
            raise LocalCloudError(
                "The evaluator must be able to read results and nothing else, but the answers above differ.",
                "Check the policy of the stack OrchardAccess in infra/stacks/access.py.",
            )

    def _outputs(self, stack: str) -> Mapping[str, str]:
        return {one["OutputKey"]: one["OutputValue"] for one in self._stack(stack)["Outputs"]}


def answer(call: Callable[[], Mapping[str, Any]]) -> str:
    """Return what a service answers to a call: the HTTP status, or its error code."""
    try:
        return str(call()["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as error:
        return error.response["Error"]["Code"]


def evaluator_client(secret: Mapping[str, str], endpoint: str, region: str) -> Any:  # noqa: ANN401 - as boto3 has it
    """Return an S3 client with the evaluator's key, as the secret of OrchardAccess has it."""
    return boto3.client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=secret["access_key_id"],
        aws_secret_access_key=secret["secret_access_key"],
    )


def fetch_command(folder: Path) -> list[str]:
    """Return the argv of ``orchard`` that fetches the run into a folder, also over an earlier demonstration's."""
    return ["results", RUN, "--output", str(folder), "--overwrite"]


def synth_command(region: str, machine: str, assembly: Path) -> list[str]:
    """Return the command that writes every stack's template, for a machine's processor and with deletable buckets."""
    settings = {"region": region, **own_processor(machine), "delete_data": "true", "confirm_delete_data": "true"}
    context = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return ["cdk", "synth", "--quiet", "--output", str(assembly), *context]


def deploy_command(assembly: Path) -> list[str]:
    """Return the command that deploys all templates of a folder."""
    return ["cdk", "deploy", "--app", str(assembly), "--all", "--require-approval", "never"]


def own_processor(machine: str) -> dict[str, str]:
    """Return the settings that give a cluster's nodes this machine's processor, on which its steps run."""
    instance_type = "m6g.xlarge" if machine in ("aarch64", "arm64") else "m6i.xlarge"
    return {"primary_instance_types": instance_type, "worker_instance_types": instance_type}


def choose_backbone(asked: str | None, say: Callable[[str], None]) -> ExportRequest:
    """Return the network of the demo and its weights.

    Parameters
    ----------
    asked
        A file of MobileNetV2's weights. None for ImageNet's: EfficientNet-Lite0's if their package is installed, else
        MobileNetV2's if this machine has or can get them; random ones if not.
    """
    if asked is not None:
        return ExportRequest(DOWNLOADED, asked, seed=0)
    try:
        for name in (PACKAGED, DOWNLOADED):
            backbone = ExportRequest(name, IMAGENET, seed=0)
            with suppress(WeightsPackageError):
                cached_export(backbone)
                return backbone
    except OrchardError as error:
        say(error.message)
    say("The demonstration continues with random weights: every stage runs, but the features mean nothing.")
    return ExportRequest(DOWNLOADED, RANDOM, seed=0)
