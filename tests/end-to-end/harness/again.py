"""Test programs that were written for the stock relay, once more with ours."""

import os
import runpy

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def with_our_relay(name):
    """Runs that program of the parent directory."""
    os.environ["WORMHOLED_TEST_RELAY"] = "ours"
    runpy.run_path(os.path.join(HERE, name), run_name="__main__")
