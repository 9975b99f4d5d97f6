"""Compile a pipeline and run it on a cluster.

    leftright submit pipelines/full.py -e EXPERIMENT key=value ... [--watch]

The types of the parameters come from the compiled pipeline. Exit status: 0 when the run is accepted (with --watch: when it
succeeds), 1 when the watched run ends otherwise, 2 for bad input or no cluster.
"""

import argparse
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import kfp_server_api

from leftright.errors import InputError
from pipelines.commands import cluster, options, package

POLL_SECONDS = 10.0
PATIENCE = 30
"""How many polls in a row may go unanswered: a port-forward that drops is started again within minutes."""

ENDS = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
BAD_ENDS = ("FAILED", "CANCELED")


def main(words: list[str]) -> int:
    """Run the command; returns the exit status. Raises InputError for bad input."""
    flags = _parser().parse_intermixed_args(words)
    with package.compiled(flags.file, cache=not flags.no_cache) as compiled:
        values = package.parameters(flags.values, compiled)
        client = cluster.connect(flags)
        host = cluster.host_of(client)
        with cluster.talking(host):
            experiment = client.create_experiment(flags.experiment)
            run = client.run_pipeline(
                experiment_id=experiment.experiment_id,
                job_name=flags.name or f"{compiled.name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
                pipeline_package_path=str(compiled.path),
                params=values,
            )
    return watch(client, run.run_id) if flags.watch else 0


def _parser() -> argparse.ArgumentParser:
    parser = options.Parser(
        prog="leftright submit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_pipeline(parser)
    parser.add_argument("--name", metavar="NAME", help="of the run (default: the pipeline's, and the time in UTC)")
    parser.add_argument("--watch", action="store_true", help="stay, print what changes, and exit with how it ends")
    cluster.add_flags(parser)
    options.add_values(parser)
    return parser


def watch(client: cluster.Client, run_id: str) -> int:
    """Print the changes of a run until it ends; 0 where it succeeded, else 1. Raises InputError where the cluster is lost."""
    shown: dict[str, str] = {}
    while True:
        run = _asked(client, run_id)
        for key, line in _lines(run):
            if shown.get(key) != line:
                print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)
                shown[key] = line
        if run.state in ENDS:
            return 0 if run.state == "SUCCEEDED" else 1
        time.sleep(POLL_SECONDS)


def _asked(client: cluster.Client, run_id: str) -> kfp_server_api.V2beta1Run:
    """The run as the cluster has it now, asked again where it does not answer: the run does not depend on our connection."""
    for _ in range(PATIENCE):
        try:
            with cluster.talking(cluster.host_of(client)):
                return client.get_run(run_id)
        except cluster.UnreachedError as error:
            print(f"{error}; asking again", flush=True)
            time.sleep(POLL_SECONDS)
    raise InputError(f"{cluster.host_of(client)} does not answer any more; run {run_id} goes on without this command")


def _lines(run: kfp_server_api.V2beta1Run) -> Iterator[tuple[str, str]]:
    """A key and a line for each thing that has a state: the tasks that went wrong, then the run."""
    for task in (run.run_details.task_details or []) if run.run_details else []:
        if task.state in BAD_ENDS:
            yield task.task_id, f"task {task.display_name}: {task.state}{_message(task.error)}"
    if run.state:
        yield "run", f"run {run.display_name}: {run.state}{_message(run.error)}"


def _message(error: kfp_server_api.GoogleRpcStatus | None) -> str:
    return f": {' '.join(error.message.split())}" if error and error.message else ""
