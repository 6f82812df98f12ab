"""The job store on SQLite and PostgreSQL: changes a second with 1, 4 and 16 writers, and long lists.

    python -m benchmarks.store [--seconds 3] [--writers 1 4 16] [--long 100000] [--rounds 7]

Writers are processes. Each adds a job, claims the first one of the queue, and finishes it (three transactions); or it
writes 500 rows of metrics in one transaction. Both databases are on this machine's disk, and wait for it at the end of
each transaction as in earnest. The list is what the Runs page reads for its first page. The page itself is timed in
this process, without a browser, alternately with 10 jobs and with a sweep of 1,000: limit 1.5 times. Run it alone on
the machine.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import sqlalchemy as sa

from explorer.jobs import listing, service
from explorer.jobs.job import Job
from explorer.jobs.make import make_jobs
from explorer.jobs.run_directory import Row
from explorer.jobs.store import NOW, Status, Store, store
from explorer.settings import settings
from explorer.ui.runs.shared import PAGE
from tests.helpers import postgres
from tests.helpers.stores import SPEC, new_job

ROWS = 500  # rows of metrics in a transaction
LIMIT = 1.5  # times the page of ten jobs
SWEEP = 1000


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, Callable[[], str]]]:
    """Yields a function for each kind of database that makes a new store and returns its URL."""
    numbers = iter(range(1000))
    made = {"SQLite": lambda: f"sqlite:///{folder / f'{next(numbers)}.db'}"}
    if postgres.programs() is None:
        print("PostgreSQL is not installed; SQLite alone is measured")
        yield made
        return
    # The options of the tests spare the disk.
    with postgres.running(options=("listen_addresses=", "max_connections=80")) as server:
        yield made | {"PostgreSQL": lambda: server.url(server.new_database())}


def process_jobs(url: str, until: float) -> int:
    """Adds, claims and finishes jobs; returns their number."""
    own, count = Store(url), 0
    while time.time() < until:
        own.add([new_job()])
        tried: list[str] = []
        while first := own.first_in_queue(tried):
            if own.claim(first[0].id, lambda: None, slots=["cpu"], machine="m"):
                own.change(first[0].id, [Status.RUNNING], status=Status.FINISHED, ended=NOW, slots=[], result={})
                count += 1
                break
            tried.append(first[0].id)
    own.close()
    return count


def write_metrics(url: str, until: float) -> int:
    """Writes metrics of a job; returns the number of rows."""
    own, job, count = Store(url), new_job(), 0
    own.add([job])
    while time.time() < until:
        own.write_rows(job.id, [Row(count + row, "train/loss", 0.5) for row in range(ROWS)], replace=False)
        count += ROWS
    own.close()
    return count


def per_second(work: Callable[[str, float], int], url: str, writers: int, seconds: float) -> float:
    """Returns what all writers do in a second."""
    own = Store(url)
    own.version()  # makes the tables
    own.close()
    begin = time.time() + 1 + 0.3 * writers  # all have started
    with multiprocessing.get_context("fork").Pool(writers) as pool:
        tasks = [pool.apply_async(_wait_and_work, (work, url, begin, begin + seconds)) for _writer in range(writers)]
        return sum(task.get() for task in tasks) / seconds


def _wait_and_work(work: Callable[[str, float], int], url: str, begin: float, end: float) -> int:
    time.sleep(max(0.0, begin - time.time()))
    return work(url, end)


def fill(target: Store, count: int) -> None:
    """Adds finished jobs, a thousand with each transaction."""
    for first in range(0, count, 1000):
        target.add([new_job(f"run {first + place}") for place in range(min(1000, count - first))])
    with target.writing() as connection:
        target.update(connection, sa.true(), {"status": Status.FINISHED, "ended": NOW, "result": {}})


def median(action: Callable[[], object], rounds: int) -> float:
    """Returns the median of the milliseconds that an action takes, without the first one."""
    times = []
    for _round in range(rounds + 1):
        begin = time.perf_counter()
        action()
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times[1:])


def lists(url: str, count: int, rounds: int) -> str:
    target = Store(url)
    fill(target, count)
    plain, named = listing.Filter(), listing.Filter(("run", "99"), (Status.FINISHED,))
    parts = {
        "first page": lambda: (listing.list_jobs(target, plain, str, 0, PAGE), listing.overview(target)),
        "last page": lambda: listing.list_jobs(target, plain, str, count - PAGE, PAGE),
        "two words and a status": lambda: listing.list_jobs(target, named, str, 0, PAGE),
        "version": target.version,
        "place in the queue": lambda: target.first_in_queue(),
    }
    line = ", ".join(f"{name} {median(action, rounds):.1f} ms" for name, action in parts.items())
    target.close()
    return line


def use(url: str, folder: Path) -> None:
    """Makes this process use a store."""
    os.environ |= {"EXPLORER_DATABASE_URL": url, "EXPLORER_RUNS_DIR": str(folder), "EXPLORER_RUN_JOBS": "false"}
    os.environ["EXPLORER_LOG_LEVEL"] = "WARNING"  # a line for each job of a sweep
    settings.cache_clear()
    store.cache_clear()


def sweep(count: int) -> list[Job]:
    """Returns the jobs of a sweep over learning rates and ten seeds."""
    rates = ",".join(f"{1e-5 * number:g}" for number in range(1, count // 10 + 1))
    seeds = ",".join(map(str, range(1, 11)))
    return make_jobs(SPEC, "digits", new_job().recipe, new_job().resources, varied=[f"lr={rates}", f"seed={seeds}"])


def page(make: Callable[[], str], folder: Path, rounds: int) -> str:
    """Compares the Runs page of ten jobs with that of a sweep of 1,000."""
    stores = {count: (make(), folder / f"runs-{count}") for count in (10, SWEEP)}
    taken = {}
    for count, place in stores.items():
        jobs = sweep(count)
        use(*place)
        begin = time.perf_counter()
        service.submit(jobs)
        taken[count] = time.perf_counter() - begin
    times: dict[int, list[list[float]]] = {count: [] for count in stores}
    for _round in range(rounds + 1):
        for count, place in stores.items():
            use(*place)
            store().change(store().latest(1)[0].id, Status, progress=0.5)  # nothing is cached
            times[count].append(visit())
    lines = [f"  submitted in one transaction: {SWEEP:,} jobs in {taken[SWEEP]:.2f} s"]
    for part, action in enumerate(("opened", "filtered", "back to all")):
        few, many = (1000 * statistics.median(taken[part] for taken in times[count][1:]) for count in (10, SWEEP))
        verdict = "within" if many <= LIMIT * few else "beyond"
        lines.append(
            f"  {action}: {few:.0f} ms with 10, {many:.0f} ms with {SWEEP:,}: {many / few:.2f}, {verdict} {LIMIT}"
        )
    return "\n".join(lines)


def visit() -> list[float]:
    """Opens the Runs page, filters it by words and shows all runs again; returns the seconds of each."""
    from tests.pages.runs_page import open_page

    begin = [time.perf_counter()]
    app = open_page()
    for words in ("lr=", ""):  # all match: ten rows, and a full page
        begin.append(time.perf_counter())
        app.text_input(key="runs.view.text").set_value(words).run()
    begin.append(time.perf_counter())
    assert not app.exception
    return [after - before for before, after in pairwise(begin)]


def main(seconds: float, writers: list[int], long: int, rounds: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kinds = stack.enter_context(databases(folder))
        for name, make in kinds.items():
            for count in writers:
                jobs = per_second(process_jobs, make(), count, seconds)
                rows = per_second(write_metrics, make(), count, seconds)
                print(f"{name}, {count} writers: {jobs:,.0f} jobs/s added, claimed and finished; {rows:,.0f} rows/s")
            if long:
                print(f"{name}, {long:,} jobs: {lists(make(), long, rounds)}", flush=True)
        if rounds:  # last, because Streamlit's tests replace the main module
            for name, make in kinds.items():
                print(f"{name}, Runs page:\n{page(make, folder / name, rounds)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--writers", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--long", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    main(given.seconds, given.writers, given.long, given.rounds)
