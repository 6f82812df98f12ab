"""The real supervisor with a fake worker that needs no torch."""

import sys

from explorer.jobs import launch, supervisor

if __name__ == "__main__":
    launch.WORKER = "tests.helpers.fake_worker_runner"
    sys.exit(supervisor.main(sys.argv[1:]))
