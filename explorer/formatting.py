"""Formats of numbers for people: 138.36 M, 15.47 G, 4,096; bytes in powers of ten; times in two units."""

import math

from explorer.i18n import _, ngettext

PREFIXES = (("k", 10**3), ("M", 10**6), ("G", 10**9), ("T", 10**12), ("P", 10**15))
EXACT_BELOW = 100_000
NONE = "–"  # the text of a number that does not exist
SMALLEST_CHANGE = 0.1  # percent; below it, the first digit that is not zero is shown
MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60


def short(value: float) -> str:
    """Return a short form: 138357544 is ``138.36 M``. Numbers below 100,000 are exact: ``4,096``."""
    return f"{value:,}" if abs(value) < EXACT_BELOW else _scaled(value)


def bytes_short(value: float) -> str:
    """Return a number of bytes in short form: 553430176 is ``553.43 MB``."""
    return f"{value:,} B" if abs(value) < 1000 else f"{_scaled(value)}B"


def _scaled(value: float) -> str:
    # The limit is below 1000: 999,996 takes the next prefix, because in thousands it would read 1,000.00.
    prefix, unit = next((p for p in PREFIXES if abs(value) < 999.995 * p[1]), PREFIXES[-1])
    return f"{value / unit:,.2f} {prefix}"


def duration(seconds: float) -> str:
    """Return a time in two units: 5400 seconds are ``1 h 30 min``, 200 are ``3 min 20 s``."""
    rounded = round(seconds)
    if rounded < MINUTE:
        return _("{seconds} s").format(seconds=rounded)
    if rounded < HOUR:
        return _("{minutes} min {seconds} s").format(minutes=rounded // MINUTE, seconds=rounded % MINUTE)
    if rounded < DAY:
        return _("{hours} h {minutes} min").format(hours=rounded // HOUR, minutes=rounded % HOUR // MINUTE)
    return _("{days} d {hours} h").format(days=rounded // DAY, hours=rounded % DAY // HOUR)


def ago(seconds: float) -> str:
    """Return how long ago something was, in one unit: 5400 seconds are ``1 h ago``."""
    if seconds < MINUTE:
        return _("just now")
    if seconds < HOUR:
        return _("{minutes:,} min ago").format(minutes=int(seconds // MINUTE))
    if seconds < DAY:
        return _("{hours:,} h ago").format(hours=int(seconds // HOUR))
    return ngettext("{days:,} day ago", "{days:,} days ago", int(seconds // DAY)).format(days=int(seconds // DAY))


def shape(sizes: tuple[int, ...]) -> str:
    """Return a shape without the batch: (1, 64, 112, 112) is ``64×112×112``."""
    return "×".join(f"{size:,}" for size in sizes[1:]) or "1"


def percent(share: float | None) -> str:
    """Return a share with two digits: 0.9876 is ``98.76%``."""
    return NONE if share is None else f"{share:.2%}"


def change(share: float) -> str:
    """Return a relative change: 0.172 is ``+17.2%``. What is neither nothing nor everything is not rounded to it."""
    percent = 100 * share
    if 0 < percent + 100 < SMALLEST_CHANGE:
        digits = -math.floor(math.log10(percent + 100))
        return f"−{-percent:.{digits}f}%"
    text = f"{percent:+,.1f}" if abs(percent) >= SMALLEST_CHANGE else f"{percent:+.1g}"
    return f"{text}%".replace("-", "−")
