"""Jobs over processes, here or on other machines, by dask.distributed.

Workers send what they rendered back, and this process alone writes: a killed worker leaves nothing
half-written, its jobs are done by another one, and workers need no common file system.
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
from hinted_posenet.simulator.shots import Job
from hinted_posenet.simulator.work import Files, Work

if TYPE_CHECKING:
    from distributed import Client

PATIENCE_S = 60  # for a scheduler or its first worker to answer
GOES_ON = "the same command goes on from what is finished"


def files_of(
    work: Work, jobs: Mapping[int, Job], workers: int, scheduler: str | None
) -> Iterator[tuple[int, Files]]:
    """(number, files) of every job, in the order in which they are finished.

    Args:
        work: renders them.
        jobs: by their numbers.
        workers: processes to start on this machine, where no scheduler is given.
        scheduler: address of a running dask scheduler.
    """
    from distributed import KilledWorker, as_completed

    with _connected(workers, scheduler) as client:
        # not scattered: what is computed can be computed again when its worker is lost
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
                f"workers: several died on one job, perhaps for want of memory; {GOES_ON}, with "
                "fewer workers="
            ) from None
        except CancelledError:
            raise InputError(f"scheduler: the connection was lost; {GOES_ON}") from None


@contextmanager
def _connected(workers: int, scheduler: str | None) -> Iterator["Client"]:
    from distributed import Client, LocalCluster

    if scheduler is None:
        with (
            LocalCluster(
                workers, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
            ) as cluster,
            Client(cluster) as client,
        ):
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
    """In a worker: a job's files, if it would make the same bytes as everyone else."""
    here = versions()
    if here != wanted:
        raise InputError(
            "scheduler: a worker has other versions of " + ", ".join(differences(wanted, here))
        )
    return number, work.files(job)
