"""``python -m explorer``."""

from explorer.cli.main import main

main()
