# file: wormhole/closing.c
# a session goes on after its deadline
s/when >= deadline && now >= deadline/when >= deadline \&\& now < 0/
