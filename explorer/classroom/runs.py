"""Runs that students give to their class. The curves of jobs come from the store, so they grow during a training."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from threading import Lock

import sqlalchemy as sa
from cachetools import LRUCache

from explorer.classroom.classes import Round
from explorer.classroom.question import MAX_LINES, Answer, Line, Points, Run, curves_in, jobs_of, thinned
from explorer.errors import InputError
from explorer.families.naming import title
from explorer.i18n import _
from explorer.jobs.store import store
from explorer.jobs.tables import JOBS

CURVES = ("validation/top1", "train/top1")  # the first one that a run has

_lines: LRUCache[tuple[str, str, float], Points] = LRUCache(1000)  # by store, job, and time of its last change
_lock = Lock()


def run_of_jobs(jobs: Sequence[str]) -> Run:
    """Returns a run with a line for each job. Names of jobs are not used, because users can write any text there.

    Raises:
        InputError: If none of the jobs exists, or there are too many.
    """
    if len(jobs) > MAX_LINES:
        raise InputError(
            _("run: {count} are chosen, and a student gives at most {most}").format(count=len(jobs), most=MAX_LINES)
        )
    words = _("{network}, learning rate {rate:g}, {epochs} epochs")
    lines = []
    for record in store().find(jobs):
        network, recipe = record.network, record.recipe
        name = words.format(network=title(*network), rate=recipe["lr"], epochs=recipe["epochs"])
        lines.append(Line(name, [], record.id))
    if not lines:
        raise InputError(_("run: it is not here any more; open it again"))
    return Run(tuple(lines))


def with_curves(rounds: Iterable[Round]) -> list[Round]:
    """Returns rounds whose lines of jobs have the current points of the store. Lines of deleted jobs have no points."""
    rounds = list(rounds)
    jobs = sorted({job for one in rounds for answer in one.answers.values() for job in jobs_of(answer)})
    if not jobs:
        return rounds
    found = _curves(jobs)

    def drawn(answer: Answer) -> Answer:
        lines = [line | {"points": found.get(line["job"], line["points"])} for line in curves_in(answer)]
        return lines or answer

    return [replace(one, answers={student: drawn(given) for student, given in one.answers.items()}) for one in rounds]


def _curves(jobs: Sequence[str]) -> dict[str, Points]:
    """Returns the curves of jobs, by job. The curves of unchanged jobs are cached."""
    database = store()
    url = str(database.url)
    with database.reading() as connection:
        query = sa.select(JOBS.c.id, JOBS.c.changed).where(JOBS.c.id.in_(jobs))
        keys = {job: (url, job, changed) for job, changed in connection.execute(query)}
    with _lock:
        found = {job: _lines[key] for job, key in keys.items() if key in _lines}
    missing = [job for job in keys if job not in found]
    if missing:
        read = database.curves(missing, CURVES)
        for job in missing:
            points: dict[str, list[tuple[float, float]]] = {name: [] for name in CURVES}
            for row in read.get(job, []):
                points[row.name].append((row.epoch, row.value))
            found[job] = thinned(next((points[name] for name in CURVES if points[name]), []))
        with _lock:
            _lines.update({keys[job]: found[job] for job in missing})
    return found
