# file: wormhole/visit_steps.c
# application messages are added before the verifiers were compared
/^static bool may_add_numbers/,/^}/s/!session_unverified\(session\)/true/
