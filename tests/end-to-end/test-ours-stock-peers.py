#!/usr/bin/python3
"""test-stock-peers.py with wormhole-relayd in the stock relay's place."""

from harness.again import with_our_relay

with_our_relay("test-stock-peers.py")
