#!/usr/bin/python3
"""test-nameplates.py with wormhole-relayd in the stock relay's place."""

from harness.again import with_our_relay

with_our_relay("test-nameplates.py")
