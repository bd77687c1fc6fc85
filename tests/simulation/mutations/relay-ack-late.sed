# file: relay/rules.c
# acks are sent after the answers
/^void rules_take/,/^}/{
s/^    if \(wants_ack/    rules_run(client);\n&/
}
