# file: wormhole/cursor.c
# another version's cursor is used
# unit: test-cursor
s/strcmp\(session->cursor_version, PACKAGE_VERSION\) == 0/true/
