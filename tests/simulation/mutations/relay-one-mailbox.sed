# file: tests/doubles/memory_data.c
# every nameplate leads to a mailbox of its own for each side
s/^    if \(!nameplate\)$/    if (nameplate \&\& !find_seat(nameplate->seats, who->side)) {\n        char id[MAILBOX_LENGTH + 1];\n        make_mailbox_id(id);\n        nameplate->mailbox = make_mailbox(data, who->appid, id);\n    }\n&/
