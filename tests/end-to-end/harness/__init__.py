"""What the end-to-end tests have in common: TAP, processes, and every kind of peer.

A test program holds functions marked with @test("what is promised"); each is called with a World of its own: a
temporary directory and all the processes that it starts. It ends with main().
"""

from .tap import Skip, main, test
from .checks import contains, equal, failure, lacks, true
from .waiting import patience, wait_until
from .world import World
