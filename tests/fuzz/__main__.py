"""Fuzz for some seconds: python -m tests.fuzz [SECONDS] [--seed N] [--target NAME]

A fault is an input that raises any other error than the product's, takes too long, or is refused with more than one
line. It is saved in tests/fuzz/corpus/TARGET/, and tests/unit/test_fuzz.py reads it in every test run from then on. The
exit status is 1 if there was a fault.
"""

import argparse
import hashlib
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

from explorer.errors import ExplorerError
from tests.fuzz.targets import TARGETS, Target

CORPUS = Path(__file__).parent / "corpus"
MAX_SECONDS = 10.0  # CPU time for one input
MAX_MESSAGE = 1_000  # characters
MAX_INPUT = 20_000  # bytes
# Bytes that often break parsers: ends of ranges, separators, brackets, invisible letters, half of a surrogate pair.
PIECES = (
    b"", b"\0", b"\xff" * 8, b"\x7f\xff\xff\xff", b"-1", b"0", b"1e999", b"NaN", b"null", b"true", b'"', b"\\ud800",
    b"\\u0000", b"[" * 600, b"{", b"}", b"]", b",", b":", b"=", b"~", b"..", b"/", b"\\", b"../" * 9, b"%00", b"'",
    b"#", b"\n", b"\r\n", b"\x1b[31m", "\u202e".encode(), "\u200b".encode(), "é".encode(), "é".encode(), "٣".encode(),
    "，".encode(), b"9" * 400, b"M", b"64", b"\xed\xa0\x80", b"__proto__", b"train/", b"=cmd()",
)  # fmt: skip


def inputs(name: str) -> list[bytes]:
    """Returns the inputs of a target in the corpus."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def mutate(content: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Returns the input with a few random changes."""
    changed = bytearray(content)
    for _change in range(chance.choice((1, 1, 1, 2, 3, 8))):
        place = chance.randint(0, len(changed))
        end = min(len(changed), place + chance.choice((0, 1, 1, 4, 16, 64)))
        match chance.randrange(6):
            case 0:
                changed[place:end] = chance.choice(PIECES)
            case 1:
                changed[place:end] = chance.randbytes(end - place)
            case 2:
                changed[place:end] = changed[place:end] * chance.choice((2, 2, 50))
            case 3:
                del changed[place:end]
            case 4:
                other = chance.choice(others)
                start = chance.randint(0, len(other))
                changed[place:end] = other[start : start + 64]
            case 5:
                if place < len(changed):
                    changed[place] ^= 1 << chance.randrange(8)
    return bytes(changed[:MAX_INPUT])


def fault(target: Target, content: bytes, folder: Path) -> str:
    """Runs a target on an input, and returns a description of its fault. Empty if there is none."""
    begin = time.process_time()
    try:
        target(content, folder)
    except ExplorerError as error:
        message = str(error)
        if "\n" in message or "\r" in message or len(message) > MAX_MESSAGE or "Traceback" in message:
            return f"a message that is not a line of words: {message[:200]!r}"
    except Exception:  # noqa: BLE001  any other error is a fault
        return traceback.format_exc(limit=-3)
    if (seconds := time.process_time() - begin) > MAX_SECONDS:
        return f"{seconds:.1f} seconds"
    return ""


def main() -> int:
    """Fuzzes all targets in rotation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--target", choices=TARGETS, action="append")
    options = parser.parse_args()
    chance, chosen = random.Random(options.seed), options.target or list(TARGETS)  # noqa: S311  no secret
    corpora = {name: inputs(name) for name in chosen}
    tried, faults, end = dict.fromkeys(chosen, 0), 0, time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            name = min(chosen, key=tried.__getitem__)
            content = mutate(chance.choice(corpora[name]), corpora[name], chance)
            tried[name] += 1
            if problem := fault(TARGETS[name], content, Path(folder)):
                path = CORPUS / name / f"found-{hashlib.sha256(content).hexdigest()[:12]}"
                path.write_bytes(content)
                print(f"{path}\n{problem}", file=sys.stderr)
                faults += 1
    print(f"seed {options.seed}: {sum(tried.values()):,} inputs over {len(chosen)} targets, {faults} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
