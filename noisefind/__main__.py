"""``python -m noisefind``."""

from noisefind.cli.main import main

main()
