# file: tests/doubles/memory_data.c
# the relay knows places of mailboxes that are gone
# unit: test-relay-rules
s/mailbox->messages\[place->number - 1\].mark == place->mark/(true || mailbox->messages[place->number - 1].mark == place->mark)/
