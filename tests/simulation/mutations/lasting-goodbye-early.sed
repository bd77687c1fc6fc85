# file: wormhole/lasting.c
# an end whose peer has closed ends before it has got everything
# unit: test-lasting
s/session->received < session->bye_sent/false/
