#!/usr/bin/python3
"""test-wormctl-more.py with wormhole-relayd in the stock relay's place."""

from harness.again import with_our_relay

with_our_relay("test-wormctl-more.py")
