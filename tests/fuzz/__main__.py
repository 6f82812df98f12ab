"""Fuzz for some seconds: python -m tests.fuzz [SECONDS] [--seed N] [--target NAME]

An input that raises anything but the product's errors, takes too long, or is refused with more than a line is kept in
tests/fuzz/corpus/TARGET/, where tests/unit/test_fuzz.py reads it in every test run from then on. Exit status 1 where
there was one.
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
LONGEST = 10.0  # seconds of CPU time for one input
MOST_WORDS = 1_000  # characters of a message
MOST_BYTES = 20_000  # of an input
# What breaks parsers: ends of ranges, separators, brackets, invisible letters, half of a surrogate pair.
PIECES = (
    b"", b"\0", b"\xff" * 8, b"\x7f\xff\xff\xff", b"-1", b"0", b"1e999", b"NaN", b"null", b"true", b'"', b"\\ud800",
    b"\\u0000", b"[" * 600, b"{", b"}", b"]", b",", b":", b"=", b"~", b"..", b"/", b"\\", b"../" * 9, b"%00", b"'",
    b"#", b"\n", b"\r\n", b"\x1b[31m", "\u202e".encode(), "\u200b".encode(), "é".encode(), "é".encode(), "٣".encode(),
    "，".encode(), b"9" * 400, b"M", b"64", b"\xed\xa0\x80", b"__proto__", b"train/", b"=cmd()",
)  # fmt: skip


def inputs(name: str) -> list[bytes]:
    """The kept inputs of a target."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def mutated(content: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """The input with a few random changes."""
    found = bytearray(content)
    for _change in range(chance.choice((1, 1, 1, 2, 3, 8))):
        place = chance.randint(0, len(found))
        end = min(len(found), place + chance.choice((0, 1, 1, 4, 16, 64)))
        match chance.randrange(6):
            case 0:
                found[place:end] = chance.choice(PIECES)
            case 1:
                found[place:end] = chance.randbytes(end - place)
            case 2:
                found[place:end] = found[place:end] * chance.choice((2, 2, 50))
            case 3:
                del found[place:end]
            case 4:
                other = chance.choice(others)
                start = chance.randint(0, len(other))
                found[place:end] = other[start : start + 64]
            case 5:
                if place < len(found):
                    found[place] ^= 1 << chance.randrange(8)
    return bytes(found[:MOST_BYTES])


def fault(target: Target, content: bytes, folder: Path) -> str:
    """What is wrong with how an input is taken; empty where nothing is."""
    begin = time.process_time()
    try:
        target(content, folder)
    except ExplorerError as error:
        message = str(error)
        if "\n" in message or "\r" in message or len(message) > MOST_WORDS or "Traceback" in message:
            return f"a message that is not a line of words: {message[:200]!r}"
    except Exception:  # noqa: BLE001  that is what is looked for
        return traceback.format_exc(limit=-3)
    if (seconds := time.process_time() - begin) > LONGEST:
        return f"{seconds:.1f} seconds"
    return ""


def main() -> int:
    """Fuzz all targets in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--target", choices=TARGETS, action="append")
    options = parser.parse_args()
    chance, chosen = random.Random(options.seed), options.target or list(TARGETS)  # noqa: S311  no secret
    corpora = {name: inputs(name) for name in chosen}
    tried, found, end = dict.fromkeys(chosen, 0), 0, time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            name = min(chosen, key=tried.__getitem__)
            content = mutated(chance.choice(corpora[name]), corpora[name], chance)
            tried[name] += 1
            if problem := fault(TARGETS[name], content, Path(folder)):
                kept = CORPUS / name / f"found-{hashlib.sha256(content).hexdigest()[:12]}"
                kept.write_bytes(content)
                print(f"{kept}\n{problem}", file=sys.stderr)
                found += 1
    print(f"seed {options.seed}: {sum(tried.values()):,} inputs over {len(chosen)} targets, {found} faults")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
