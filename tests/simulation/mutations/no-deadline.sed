# file: wormhole/closing.c
# a session whose time is over goes on
s/when >= deadline && now >= deadline/when >= deadline \&\& now < 0/
