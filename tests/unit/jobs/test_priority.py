"""The priority of the processes of a job."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os
from pathlib import Path
from explorer.jobs.priority import AUTOGROUP, give_way
give_way(10)
give_way(5)  # nobody without rights can take it back
group = AUTOGROUP.read_text().split()[-1] if AUTOGROUP.exists() else "10"
print(os.getpriority(os.PRIO_PROCESS, 0), group)
"""


def nicenesses(*, leads: bool) -> list[str]:
    told = subprocess.check_output([sys.executable, "-c", SCRIPT], start_new_session=leads, text=True)
    return told.split()


def test_a_session_gives_way_as_a_whole() -> None:
    assert nicenesses(leads=True) == ["10", "10"]


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="the kernel has no groups by session")
def test_a_process_leaves_the_session_of_others_alone() -> None:
    process, group = nicenesses(leads=False)
    assert (process, group) == ("10", Path("/proc/self/autogroup").read_text().split()[-1])
