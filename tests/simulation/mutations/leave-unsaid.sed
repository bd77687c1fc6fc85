# file: daemon/relay_links.c
# a session that leaves a shared connection does not tell the relay
s/if \(!link->connection->shared \|\| !link->spoken\)/if (link != NULL)/
