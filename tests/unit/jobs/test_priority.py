"""The priority of the processes of a job."""

import os
import subprocess
import sys

# Nobody without rights can raise the priority of tests that run under ``nice``.
NICENESS = max(10, os.getpriority(os.PRIO_PROCESS, 0))
SCRIPT = """
import os
from explorer.jobs.priority import AUTOGROUP, give_way

def niceness_of_session():  # some kernels have no groups by session: no file, or an empty one
    return AUTOGROUP.read_text().split()[-1:] if AUTOGROUP.exists() else []

before = niceness_of_session()
give_way(10)
give_way(5)  # nobody without rights can take it back
expected = ["10"] if before and {leads} and {niceness} == 10 else before
print(os.getpriority(os.PRIO_PROCESS, 0), niceness_of_session() == expected)
"""


def niceness_and_session(*, leads: bool) -> list[str]:
    script = SCRIPT.replace("{leads}", str(leads)).replace("{niceness}", str(NICENESS))
    return subprocess.check_output([sys.executable, "-c", script], start_new_session=leads, text=True).split()


def test_a_session_gives_way_as_a_whole() -> None:
    assert niceness_and_session(leads=True) == [str(NICENESS), "True"]


def test_a_process_leaves_the_session_of_others_alone() -> None:
    assert niceness_and_session(leads=False) == [str(NICENESS), "True"]
