#!/usr/bin/python3
"""test-never-together.py with wormhole-relayd in the stock relay's place."""

from harness.again import with_our_relay

with_our_relay("test-never-together.py")
