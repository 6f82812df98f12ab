"""The time of edits when several sessions edit at once, driven over the WebSocket without browsers.

    python -m benchmarks.sessions [--sessions 10] [--seconds 30]

Each session opens the Architecture page as a browser does, and then edits its network, with pauses of 1 to 5 s. No two
sessions make the same network, so that each edit is analysed. An edit takes from the message of the browser to the
first message with the new number of parameters. Run it alone on the machine.
"""

import argparse
import asyncio
import random
import statistics
import time

from benchmarks.page import served
from benchmarks.tab import PATIENCE, opened_tab, parameters_shown, percentile

LINKS = ("net=vgg16", "net=resnet50", "net=googlenet")
CLASSES = "edit.num_classes"
LIMIT = 500  # ms


async def work(
    address: str, number: int, seconds: float, chance: random.Random, opened: asyncio.Barrier
) -> list[float]:
    """Edits for some time after all sessions have opened, and returns the milliseconds of each edit."""
    link = LINKS[number % len(LINKS)]
    times = []
    async with opened_tab(address) as tab:
        await tab.open("architecture", link, parameters_shown)
        await opened.wait()
        end = time.monotonic() + seconds
        classes = 20 + 50 * (number // len(LINKS))
        while time.monotonic() < end:
            await asyncio.sleep(chance.uniform(1, 5))
            classes += 1
            times.append(await tab.run(link, states=[tab.number(CLASSES, classes)], shown=parameters_shown))
    return times


async def main(sessions: int, seconds: float) -> None:
    """Prints the median and the 95th percentile of all edits."""
    chance = random.Random(0)  # noqa: S311  pauses between edits, no secrets
    with served("streamlit_app.py") as address:
        for _attempt in range(PATIENCE):
            try:
                await work(address, 0, 0, chance, asyncio.Barrier(1))  # the first page loads PyTorch
                break
            except OSError:  # the server is still starting
                await asyncio.sleep(1)
        opened = asyncio.Barrier(sessions)
        done = await asyncio.gather(*(work(address, number, seconds, chance, opened) for number in range(sessions)))
    times = sorted(sample for samples in done for sample in samples)
    print(
        f"{sessions} sessions, {len(times)} edits in {seconds:g} s: p50 {statistics.median(times):.0f} ms, "
        f"p95 {percentile(times, 0.95):.0f} ms, most {times[-1]:.0f} ms; p95 is to stay below {LIMIT} ms on two cores"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    asyncio.run(main(given.sessions, given.seconds))
