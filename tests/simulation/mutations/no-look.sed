# file: wormhole/session.c
# a session ends by its deadline before it has looked
# unit: test-deadline
s/else if \(closing_unseen\(step\)\)/else if (session_alive(session) \&\& now >= session_deadline(session))\n        closing_begin(step, RESULT_HAPPY, true, "the peer was not heard from before the deadline");\n    else if (closing_unseen(step))/
