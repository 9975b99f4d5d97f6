"""Run a pipeline on a cluster again and again, by a schedule.

    leftright schedule create pipelines/full.py NAME -e EXPERIMENT --cron "0 0 3 * * *" key=value ...
    leftright schedule list [-e EXPERIMENT]
    leftright schedule delete NAME [-e EXPERIMENT]

A cron has six fields, seconds first; times are in UTC. `create` replaces a schedule of the same name.
"""

import argparse
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import kfp_server_api

from leftright.errors import InputError
from pipelines.commands import cluster, cron, options, package

PAGE_SIZE = 100


def main(words: list[str]) -> int:
    """Run the command; returns the exit status. Raises InputError for bad input."""
    actions = {"create": create, "list": show, "delete": delete}
    if not words or words[0] in ("-h", "--help"):
        print(f"{__doc__}\nleftright schedule create --help says more.")
        return 0
    if words[0] not in actions:
        raise InputError(f"{words[0]}: no such action; there are {', '.join(actions)}")
    actions[words[0]](words[1:])
    return 0


def _parser(action: str, description: str) -> argparse.ArgumentParser:
    return options.Parser(prog=f"leftright schedule {action}", description=description)


def create(words: list[str]) -> None:
    """Make an enabled schedule, and delete those of the same name in the same experiment.

    A schedule cannot be edited. The new one is made before the old one goes, so that a cluster that refuses the new one leaves
    the old one as it was; for a moment there are two, and both would fire if that moment were their time.
    """
    flags = _create_parser().parse_intermixed_args(words)
    plan = cron.parse(flags.cron)
    start, end = _moment("--start", flags.start), _moment("--end", flags.end)
    if start and end and start >= end:
        raise InputError(f"--start {flags.start} does not come before --end {flags.end}")
    if flags.max_concurrency < 1:
        raise InputError(f"--max-concurrency {flags.max_concurrency}: at least 1, and 10 at most")
    if flags.max_concurrency > 10:
        raise InputError(f"--max-concurrency {flags.max_concurrency}: Kubeflow allows 10 at most")
    coming = list(islice(plan.times(max(filter(None, (start, _now()))), end), 3))
    if not coming:
        raise InputError(f"cron `{flags.cron}` does not fire before --end {flags.end}")
    with package.compiled(flags.file, cache=not flags.no_cache) as compiled:
        values = package.parameters(flags.values, compiled)
        client = cluster.connect(flags)
        with cluster.talking(cluster.host_of(client)):
            experiment = client.create_experiment(flags.experiment)
            former = [job for job in _schedules(client) if job.display_name == flags.name]
            _refuse_of_another(client, former, experiment.experiment_id)
            made = client.create_recurring_run(
                experiment_id=experiment.experiment_id,
                job_name=flags.name,
                cron_expression=" ".join(flags.cron.split()),
                start_time=start and _rfc3339(start),
                end_time=end and _rfc3339(end),
                max_concurrency=flags.max_concurrency,
                no_catchup=not flags.catchup,
                params=values,
                pipeline_package_path=str(compiled.path),
                enabled=True,
            )
    _delete_former(client, former, made.recurring_run_id)
    print(f"schedule {flags.name}{', in place of the former one' if former else ''}: {cron.describe(plan)}")
    print(f"next: {', '.join(_utc(moment) for moment in coming)}")


def _create_parser() -> argparse.ArgumentParser:
    parser = _parser("create", "Run a pipeline on a schedule; one of the same name is replaced.")
    options.add_pipeline(parser)
    parser.add_argument("name", metavar="NAME", help="of the schedule")
    parser.add_argument(
        "--cron", required=True, help='six fields, seconds first, in UTC: "0 0 3 * * *" is daily at 03:00'
    )
    parser.add_argument("--start", metavar="TIME", help="not before, such as 2030-01-31 or 2030-01-31T12:00 (UTC)")
    parser.add_argument("--end", metavar="TIME", help="not after")
    parser.add_argument(
        "--max-concurrency", type=int, default=1, metavar="N", help="runs at a time, 1 to 10 (default 1)"
    )
    parser.add_argument(
        "--catchup",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="after a pause, run each time that was missed (default: only the last)",
    )
    cluster.add_flags(parser)
    options.add_values(parser)
    return parser


def _refuse_of_another(client: cluster.Client, former: list[Any], experiment_id: str) -> None:
    """Raise InputError where a schedule of the name belongs to another experiment: it may be someone else's."""
    for job in former:
        if job.experiment_id != experiment_id:
            other = client.get_experiment(experiment_id=job.experiment_id).display_name
            raise InputError(
                f"{job.display_name}: experiment {other} has a schedule of this name; choose another name, or delete that one"
            )


def _delete_former(client: cluster.Client, former: list[Any], made: str) -> None:
    for job in former:
        try:
            with cluster.talking(cluster.host_of(client)):
                client.delete_recurring_run(job.recurring_run_id)
        except InputError as error:
            raise InputError(
                f"the new schedule {job.display_name} is made ({made}), and the former one ({job.recurring_run_id}) could not"
                f" be deleted, so that both will fire: {error}"
            ) from None


def show(words: list[str]) -> None:
    """Print a table of the schedules: name, when in words, whether enabled, and the next time."""
    parser = _parser("list", "Print the schedules of the cluster, or of one experiment.")
    parser.add_argument("-e", "--experiment", metavar="NAME", help="only those of this experiment")
    cluster.add_flags(parser)
    flags = parser.parse_args(words)
    client = cluster.connect(flags)
    jobs = _of_experiment(client, flags.experiment)
    if not jobs:
        print("no schedules")
        return
    rows = [("NAME", "WHEN", "ENABLED", "NEXT"), *(_row(job) for job in jobs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(job: kfp_server_api.V2beta1RecurringRun) -> tuple[str, str, str, str]:
    is_enabled = job.status == "ENABLED" if job.status else job.mode == "ENABLE"
    when, coming = _when(job.trigger)
    return job.display_name, when, "yes" if is_enabled else "no", coming if is_enabled else "never"


def _when(trigger: kfp_server_api.V2beta1Trigger | None) -> tuple[str, str]:
    """A trigger in words, and the next time; a schedule that others made may have any trigger."""
    if trigger and trigger.periodic_schedule:
        return f"every {trigger.periodic_schedule.interval_second} s", "unknown"
    if not (trigger and trigger.cron_schedule):
        return "unknown", "unknown"
    plan = trigger.cron_schedule
    has_five = len(plan.cron.split()) == 5
    try:
        parsed = cron.parse(f"{plan.cron} *" if has_five else plan.cron)  # as the scheduler reads five
    except InputError:
        return f"cron {plan.cron}", "unknown"
    # The API leaves times that were not set at the beginning of 1970.
    start, end = (moment if moment and moment.year > 1970 else None for moment in (plan.start_time, plan.end_time))
    coming = next(parsed.times(max(filter(None, (start, _now()))), end), None)
    words = cron.describe(parsed) + (f" ({plan.cron}: five fields)" if has_five else "")
    return words, _utc(coming) if coming else "never"


def delete(words: list[str]) -> None:
    """Delete the schedules of a name. Raises InputError where there is none, or where several experiments have one."""
    parser = _parser("delete", "Delete a schedule; runs that it has started go on.")
    parser.add_argument("name", metavar="NAME", help="of the schedule")
    parser.add_argument("-e", "--experiment", metavar="NAME", help="where several experiments have one of this name")
    cluster.add_flags(parser)
    flags = parser.parse_args(words)
    client = cluster.connect(flags)
    jobs = _of_experiment(client, flags.experiment)
    chosen = [job for job in jobs if job.display_name == flags.name]
    if not chosen:
        known = ", ".join(sorted({job.display_name for job in jobs})) or "none"
        raise InputError(f"{flags.name}: no such schedule; there are: {known}")
    if len({job.experiment_id for job in chosen}) > 1:
        raise InputError(f"{flags.name}: several experiments have a schedule of this name; say which by -e EXPERIMENT")
    for job in chosen:
        with cluster.talking(cluster.host_of(client)):
            client.delete_recurring_run(job.recurring_run_id)
        print(f"deleted schedule {job.display_name} ({job.recurring_run_id})")


def _of_experiment(client: cluster.Client, experiment: str | None) -> list[Any]:
    chosen = cluster.experiment_id(client, experiment) if experiment else None
    with cluster.talking(cluster.host_of(client)):
        return _schedules(client, chosen)


def _schedules(client: cluster.Client, experiment_id: str | None = None) -> list[Any]:
    """All schedules that the client's namespace, or one experiment, has."""
    found: list[Any] = []
    token = ""
    while True:
        page = client.list_recurring_runs(
            page_token=token,
            page_size=PAGE_SIZE,
            experiment_id=experiment_id,
            namespace=client.get_user_namespace() or None,
        )
        found += page.recurring_runs or []
        token = page.next_page_token or ""
        if not token:
            return found


def _now() -> datetime:
    return datetime.now(UTC)


def _moment(flag: str, text: str | None) -> datetime | None:
    """A time in UTC from ISO text, which is in UTC where it names no zone."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{flag} {text}: write a time as 2030-01-31 or 2030-01-31T12:00") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _rfc3339(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
