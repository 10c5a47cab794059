"""How long the window takes to open, to its first paint and until it is complete.

    python benchmarks/window_open.py            one start, as it is (cold right after boot or install)
    python benchmarks/window_open.py --times 5  several starts one after another (warm)"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE = """
import time
began = time.perf_counter()
import sys
sys.path.insert(0, {root!r})
import main
main.without_engine()
from app.shell import start
sys.exit(start.main(None, began))
"""


def main() -> int:
    """Start the window in a process of its own, as often as asked; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1)
    for _ in range(parser.parse_args().times):
        subprocess.run([sys.executable, "-c", ONE.format(root=str(ROOT))], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
