# file: state/record.c
# our pake is not stored
/^    FIELD\(27,/d
