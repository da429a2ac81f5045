"""The program: ``noisefind`` and ``python -m noisefind``. Imports little, to be interruptible."""

import sys

from noisefind.cli.process import EXIT_FAULT, default_interrupt, leave_on_interrupt, share_cores


def main() -> None:
    """Run the command line; Ctrl-C ends it with one line from the first moment on."""
    leave_on_interrupt()
    share_cores()
    try:
        from noisefind.cli.main import main as run
    except Exception:  # noqa: BLE001  a broken installation: Python's own 1 is a closed gate
        import traceback

        traceback.print_exc()
        sys.exit(EXIT_FAULT)
    default_interrupt()
    run()


if __name__ == "__main__":
    main()
