"""A small cloud for tests: moto with EMR's gaps closed and the step runner, in a process of its own.

    python -m tests.local.steps.emr_cloud FOLDER

Prints its address, and ends with its standard input.
"""

import logging
import sys
from pathlib import Path

from moto.server import ThreadedMotoServer

from infra.local.gaps import (
    emr_clusters,
    emr_fleets,
    emr_not_modelled,
    emr_policies,
    emr_region,
    emr_security_configurations,
    emr_steps,
)
from infra.local.steps.runner import StepRunner

EMR_GAPS = (
    emr_region,
    emr_clusters,
    emr_fleets,
    emr_policies,
    emr_steps,
    emr_security_configurations,
    emr_not_modelled,
)


def main(folder: Path) -> None:
    """Run the cloud until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for gap in EMR_GAPS:
        gap.close()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    runner = StepRunner(f"http://{host}:{port}", folder)
    runner.start()
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    runner.stop()
    server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
