"""How numbers look, everywhere: 138.36 M, 15.47 G, 4,096; bytes in powers of ten."""

PREFIXES = (("k", 10**3), ("M", 10**6), ("G", 10**9), ("T", 10**12), ("P", 10**15))
EXACT_BELOW = 100_000


def short(value: int) -> str:
    """138357544 as ``138.36 M``; below 100,000 exact: ``4,096``."""
    return f"{value:,}" if abs(value) < EXACT_BELOW else _scaled(value)


def bytes_short(value: int) -> str:
    """553430176 as ``553.43 MB``."""
    return f"{value:,} B" if abs(value) < 1000 else f"{_scaled(value)}B"


def _scaled(value: int) -> str:
    # 999,996 in thousands would be printed as 1,000.00, so it is left to the next prefix.
    prefix, unit = next((p for p in PREFIXES if abs(value) < 999.995 * p[1]), PREFIXES[-1])
    return f"{value / unit:,.2f} {prefix}"


def shape(sizes: tuple[int, ...]) -> str:
    """(1, 64, 112, 112) as ``64×112×112``, without the batch."""
    return "×".join(f"{size:,}" for size in sizes[1:]) or "1"
