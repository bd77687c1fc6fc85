# file: wormhole/peer_message.c
# what does not decrypt is taken
s/^    if \(!authentic\) \{/    if (authentic \&\& !authentic) {/
