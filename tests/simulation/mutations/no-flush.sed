# file: wormhole/closing.c
# a closing session does not send what is queued
# unit: test-session
s/true, reasons->met/false, reasons->met/
