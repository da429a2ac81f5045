"""``python -m noisefind``."""

from noisefind.cli import main

main()
