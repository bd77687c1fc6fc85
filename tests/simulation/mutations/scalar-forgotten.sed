# file: state/record.c
# our half of the key exchange is not stored
/^    FIELD\(26,/d
