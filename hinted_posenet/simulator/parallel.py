"""Rendering of jobs in other processes, here or on other machines, with dask.distributed.

Workers send their files back and only this process writes: a killed worker leaves no partial file, its
jobs are rendered by another one, and workers need no shared file system.
"""

import pickle
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.aerial_layout import versions
from hinted_posenet.simulator.partial import differences
from hinted_posenet.simulator.shots import Files, Job, Work

if TYPE_CHECKING:
    from distributed import Client

PATIENCE_S = 60  # for a scheduler or its first worker to answer
RESUMES = "the same command resumes from the finished jobs"


def files_of(
    work: Work, jobs: Mapping[int, Job], workers: int, scheduler: str | None
) -> Iterator[tuple[int, Files]]:
    """Yield (number, files) of every job, in the order in which they are finished.

    ``workers`` processes are started on this machine if no address of a dask scheduler is given.
    """
    from distributed import KilledWorker, as_completed

    with _connected(workers, scheduler) as client:
        # submitted, not scattered: it can be computed again when its worker is lost
        shared = client.submit(pickle.loads, pickle.dumps(work), pure=False)

        def submit(item: tuple[int, Job]) -> Any:
            return client.submit(_render, shared, *item, versions(), pure=False)

        waiting = iter(jobs.items())
        ahead = 2 * sum(client.nthreads().values())  # so that results do not pile up
        running = as_completed([submit(item) for item in islice(waiting, ahead)])
        try:
            for future in running:
                yield future.result()
                for item in islice(waiting, 1):
                    running.add(submit(item))
        except KilledWorker:
            raise InputError(
                f"workers: several died on one job, perhaps for lack of memory; {RESUMES}, give "
                "fewer workers="
            ) from None
        except CancelledError:
            raise InputError(f"scheduler: the connection was lost; {RESUMES}") from None


@contextmanager
def _connected(workers: int, scheduler: str | None) -> Iterator["Client"]:
    from distributed import Client, LocalCluster

    if scheduler is None:
        how = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": "CRITICAL"}
        with LocalCluster(workers, **how) as cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(scheduler, timeout=PATIENCE_S)
    except (OSError, ValueError) as error:
        raise InputError(
            f"scheduler={scheduler}: no answer ({error}); start one with dask scheduler"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError:
            raise InputError(
                f"scheduler={scheduler}: it has no workers; start some with dask worker"
            ) from None
        yield client


def _render(work: Work, number: int, job: Job, wanted: dict[str, str]) -> tuple[int, Files]:
    """Render a job's files in a worker, if its versions make the same bytes as everyone else's."""
    here = versions()
    if here != wanted:
        raise InputError(
            "scheduler: a worker has other versions of " + ", ".join(differences(wanted, here))
        )
    return number, work.files(job)
