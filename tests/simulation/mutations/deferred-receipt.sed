# file: wormhole/session_attributes.def
# a receipt need not be durable before it leaves
s/^SESSION_DEFERRED\(1, change, NONE, true\)/&\nSESSION_DEFERRED(55, receipts, LATER, true)\nSESSION_DEFERRED(56, receipt_delivered, LATER, true)\nSESSION_DEFERRED(57, receipt_read, LATER, true)\nSESSION_DEFERRED(58, receipt_nonce, LATER, true)/
