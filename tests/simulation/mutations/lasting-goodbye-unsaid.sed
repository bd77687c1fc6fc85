# file: wormhole/lasting.c
# an end that closes does not tell its peer
# unit: test-lasting
s/if \(session->receipt_bye\) \{/if (false) {/
