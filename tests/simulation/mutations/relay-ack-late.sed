# file: relay/rules.c
# acknowledgements leave after the answers
/^void rules_receive/,/^}/{
s/^        if \(command_has_type/        rules_tasks_run(client);\n&/
}
