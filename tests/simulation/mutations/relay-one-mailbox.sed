# file: tests/doubles/memory_data.c
# a nameplate leads each side to a mailbox of its own
/^enum relay_result memory_data_claim/,/^}/s/^    if \(!nameplate\)$/    if (nameplate \&\& !find_seat(nameplate->seats, who->side)) {\n        char id[MAILBOX_LENGTH + 1];\n        make_mailbox_id(id);\n        nameplate->mailbox = make_mailbox(data, who->appid, id);\n    }\n&/
