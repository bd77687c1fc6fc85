# file: wormhole/receipt.c
# a receipt reports more than is stored
s/receipt_delivered = session->received;/receipt_delivered = session->received + 1;/
