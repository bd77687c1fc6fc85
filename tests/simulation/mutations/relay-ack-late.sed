# file: relay/rules.c
# acks are sent after the answers
/^void rules_receive/,/^}/{
s/^        if \(relay_command_has_type/        rules_run(client);\n&/
}
