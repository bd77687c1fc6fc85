# file: state/record.c
# the nonce of our version is not stored
/^    FIELD\(30,/d
