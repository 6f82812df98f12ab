"""The README's pictures are of today's app: same navigation, same headings."""

import re
from pathlib import Path

import pytest

from explorer.jobs.store import Status, Store
from tests.helpers import made_runs, pictures

RETAKE = "the picture is of an older app; take all again: python -m tests.browser.screenshots"


@pytest.mark.parametrize("name", pictures.SHOTS)
def test_a_picture_is_of_this_app(name: str, server: Store, predict_server: Store) -> None:
    jobs = made_runs.jobs(sweep=[pictures.SWEEP])
    server.add(jobs)
    for job in jobs:
        made_runs.set_status(server, job, Status.FINISHED)
    link = pictures.SHOTS[name].link.format(jobs=".".join(job.id for job in jobs))
    assert pictures.read(name) == pictures.contents(link), RETAKE


def test_the_readme_shows_exactly_these_pictures(root: Path) -> None:
    shown = re.findall(r"docs/images/([\w-]+)\.png", (root / "README.md").read_text("utf-8"))
    assert sorted(shown) == sorted(pictures.SHOTS) == sorted(file.stem for file in pictures.FOLDER.iterdir())


def test_navigation_and_headings_are_read() -> None:
    shown = pictures.contents("kernels")
    assert shown["navigation"][0] == "Start"
    assert shown["headings"][0] == "Kernels"
