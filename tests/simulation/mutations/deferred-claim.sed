# file: wormhole/session_attributes.def
# that the nameplate is claimed need not be durable before the relay hears it
s/is->nameplate == NAMEPLATE_RELEASED/true/
