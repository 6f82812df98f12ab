"""Formats of numbers on every page: 138.36 M, 15.47 G, 4,096; bytes in powers of ten; times in two units."""

from explorer.i18n import _

PREFIXES = (("k", 10**3), ("M", 10**6), ("G", 10**9), ("T", 10**12), ("P", 10**15))
EXACT_BELOW = 100_000
MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60


def short(value: float) -> str:
    """138357544 as ``138.36 M``; numbers below 100,000 are exact: ``4,096``."""
    return f"{value:,}" if abs(value) < EXACT_BELOW else _scaled(value)


def bytes_short(value: float) -> str:
    """553430176 as ``553.43 MB``."""
    return f"{value:,} B" if abs(value) < 1000 else f"{_scaled(value)}B"


def _scaled(value: float) -> str:
    # 999,996 in thousands would be printed as 1,000.00, so it takes the next prefix.
    prefix, unit = next((p for p in PREFIXES if abs(value) < 999.995 * p[1]), PREFIXES[-1])
    return f"{value / unit:,.2f} {prefix}"


def duration(seconds: float) -> str:
    """5400 as ``1 h 30 min``, 200 as ``3 min 20 s``."""
    whole = round(seconds)
    if whole < MINUTE:
        return _("{seconds} s").format(seconds=whole)
    if whole < HOUR:
        return _("{minutes} min {seconds} s").format(minutes=whole // MINUTE, seconds=whole % MINUTE)
    if whole < DAY:
        return _("{hours} h {minutes} min").format(hours=whole // HOUR, minutes=whole % HOUR // MINUTE)
    return _("{days} d {hours} h").format(days=whole // DAY, hours=whole % DAY // HOUR)


def shape(sizes: tuple[int, ...]) -> str:
    """(1, 64, 112, 112) as ``64×112×112``, without the batch."""
    return "×".join(f"{size:,}" for size in sizes[1:]) or "1"
