/*
 * Two ends of a lasting session move from epoch to epoch (doc/lasting.md, sections 4 and 5), over a relay that may
 * forget any mailbox at any time. Either end may crash between any two steps, and may move whenever it is ready.
 *
 * What is in `end` is durable. A visit is two steps, between which the other end and the relay may do anything: it reads
 * the place and commits; and it adds its statement and, in the new place, its messages, without looking again. A crash
 * takes the rest of the visit: all that it would add, or the messages.
 *
 * How often a relay forgets and an end crashes is not bounded; the number of epochs and of messages is. At some moment,
 * any, accidents may end (`calm`). From then on each end comes now and then, in any order; after some rounds, in
 * each of which both were there, all is settled: everything has arrived, both know that, and no old key is left.
 *
 * Mailboxes that neither end will ever visit again are emptied, which nobody can notice, so that fewer states differ.
 *
 * tests/model/test-epochs.sh runs this, and each fault below, which must be found:
 *   MOVES_UNMET      moves without having read a statement of the peer in its epoch
 *   DROPS_OLD        forgets the old epoch with the move
 *   LEAVES_OLD       does not visit the old place
 *   SILENT           does not say `moved`
 *   STAYS            reads `moved`, and does not follow
 *   KEEPS_OLD        never ends an old epoch
 *   TRUSTS_RELAY     deletes from the outbox what the relay holds
 *   LEAVES_MESSAGES  does not add in the new place what is not delivered
 *   NUMBERS_ANEW     counts what it has received from 0 in each epoch
 *   SAYS_EARLY       confirms a message before it is durable
 */
#ifndef EPOCHS
#define EPOCHS 4
#endif
#ifndef MESSAGES_A
#define MESSAGES_A 1
#endif
#ifndef MESSAGES_B
#define MESSAGES_B 1
#endif
#ifndef ROUNDS
#define ROUNDS 10
#endif

typedef end_state {
    unsigned epoch : 3;     /* the newest */
    bool old;               /* epoch - 1 is not over: its root is kept, its place visited */
    bool met;               /* the peer's public of `epoch` was read; then nothing is old */
    bool turn_old;          /* the next visit is of the old place */
    unsigned sent : 2;
    unsigned delivered : 2; /* of these: as the peer's statements say */
    unsigned first : 2;     /* the outbox has first … sent - 1 */
    unsigned received : 2;
    unsigned shown : 2;     /* how many messages the user has seen */
};

typedef side_state {
    bool stated;            /* this side has a statement in the mailbox, … */
    bool moved;             /* … which says so, */
    unsigned delivered : 2; /* and this */
    unsigned messages : 3;  /* bit i: message i */
};

typedef mailbox_state { side_state by[2]; };

end_state end[2];
mailbox_state mailbox[EPOCHS];
bool calm;
unsigned rounds : 4;
unsigned came : 2; /* bit i: end i has come in this round */

#define PEER          (1 - me)
#define MESSAGES(who) ((who) == 0 -> MESSAGES_A : MESSAGES_B)
#define VISITS(who, place)                                                                         \
    ((place) == end[who].epoch || (end[who].old && (place) + 1 == end[who].epoch))
#define SETTLED                                                                                    \
    (end[0].shown == MESSAGES_B && end[1].shown == MESSAGES_A &&                                   \
     end[0].delivered == MESSAGES_A && end[1].delivered == MESSAGES_B &&                           \
     end[0].epoch == end[1].epoch && !end[0].old && !end[1].old)
#define ALL_SENT (end[0].sent == MESSAGES_A && end[1].sent == MESSAGES_B)

inline wipe(which)
{
    mailbox[which].by[0].stated = false;
    mailbox[which].by[0].moved = false;
    mailbox[which].by[0].delivered = 0;
    mailbox[which].by[0].messages = 0;
    mailbox[which].by[1].stated = false;
    mailbox[which].by[1].moved = false;
    mailbox[which].by[1].delivered = 0;
    mailbox[which].by[1].messages = 0
}

inline tidy()
{
    number = 0;
    do
    :: number < end[0].epoch && number < end[1].epoch ->
        if
        :: !VISITS(0, number) && !VISITS(1, number) -> wipe(number)
        :: else
        fi;
        number++
    :: else -> break
    od;
    number = 0
}

#ifdef MOVES_UNMET
#define READY true
#else
#define READY end[me].met
#endif

inline move()
{
#ifndef MOVES_UNMET
    assert(!end[me].old);
#endif
    end[me].epoch++;
    end[me].met = false;
    end[me].turn_old = false;
#ifndef DROPS_OLD
    end[me].old = true;
#endif
#ifdef NUMBERS_ANEW
    end[me].received = 0;
#endif
}

/* What a visit reads, and commits. */
inline read()
{
    if
    :: mailbox[place].by[PEER].stated ->
        if
        :: mailbox[place].by[PEER].delivered > end[me].delivered ->
            end[me].delivered = mailbox[place].by[PEER].delivered;
            end[me].first = end[me].delivered
        :: else
        fi;
        /* Nothing that is deleted is missing at the peer. */
        assert(end[me].first <= end[PEER].received);
        if
        :: place == end[me].epoch ->
            end[me].met = true;
#ifndef KEEPS_OLD
            end[me].old = false;
            end[me].turn_old = false
#endif
        :: else
        fi
    :: else
    fi;
    do
    :: end[me].received < MESSAGES(PEER) &&
       (mailbox[place].by[PEER].messages & (1 << end[me].received)) ->
        assert(end[me].received < end[PEER].sent);
        assert(end[me].shown == end[me].received);
        end[me].received++;
        end[me].shown++
    :: else -> break
    od;
#ifndef STAYS
    if
    :: place == end[me].epoch && mailbox[place].by[PEER].stated && mailbox[place].by[PEER].moved &&
       place + 1 < EPOCHS -> move()
    :: else
    fi
#endif
}

inline state()
{
    mailbox[place].by[me].stated = true;
#ifndef SILENT
    mailbox[place].by[me].moved = (place < end[me].epoch);
#endif
    if
    :: end[me].received > mailbox[place].by[me].delivered ->
        mailbox[place].by[me].delivered = end[me].received
    :: else
    fi
}

inline add()
{
    number = end[me].first;
    do
    :: number < end[me].sent ->
#ifdef LEAVES_MESSAGES
        if
        :: place == 0 ->
            mailbox[place].by[me].messages = mailbox[place].by[me].messages | (1 << number)
        :: else
        fi;
#else
        mailbox[place].by[me].messages = mailbox[place].by[me].messages | (1 << number);
#endif
        number++
    :: else -> break
    od;
#ifdef TRUSTS_RELAY
    end[me].first = end[me].sent;
#endif
    number = 0
}

inline count_round()
{
    if
    :: calm ->
        came = came | (1 << me);
        if
        :: came == 3 -> came = 0; rounds++
        :: else
        fi;
        assert(rounds < ROUNDS || !ALL_SENT || SETTLED)
    :: else
    fi
}

proctype run_end(byte me)
{
    unsigned place : 3;
    unsigned number : 3;

end_rest:
    if
    :: d_step { !calm && end[me].sent < MESSAGES(me) -> end[me].sent++ }; goto end_rest
    :: d_step { !calm && READY && end[me].epoch + 1 < EPOCHS -> move(); tidy() }; goto end_rest
    :: d_step {
           rounds < ROUNDS ->
#ifdef LEAVES_OLD
           place = end[me].epoch;
#else
           place = (end[me].turn_old -> end[me].epoch - 1 : end[me].epoch);
#endif
           end[me].turn_old = end[me].old && !end[me].turn_old;
#ifdef SAYS_EARLY
           mailbox[place].by[me].stated = true;
           if
           :: end[me].received < MESSAGES(PEER) &&
              (mailbox[place].by[PEER].messages & (1 << end[me].received)) ->
               mailbox[place].by[me].delivered = end[me].received + 1
           :: else
           fi
       };
       d_step {
#endif
           read();
           tidy()
       };
    fi;

    if
    :: d_step { !calm -> place = 0 }; goto end_rest
    :: d_step { !calm -> state(); tidy(); place = 0 }; goto end_rest
    :: d_step {
           state();
           if
           :: place == end[me].epoch -> add()
           :: else /* whoever looks there will follow */
           fi;
           tidy();
           count_round();
           place = 0
       };
       goto end_rest
    fi
}

proctype relay()
{
end_relay:
    do
    :: d_step { !calm && (mailbox[0].by[0].stated || mailbox[0].by[1].stated) -> wipe(0) }
    :: d_step { !calm && EPOCHS > 1 && (mailbox[1].by[0].stated || mailbox[1].by[1].stated) -> wipe(1) }
    :: d_step { !calm && EPOCHS > 2 && (mailbox[2].by[0].stated || mailbox[2].by[1].stated) -> wipe(2) }
    :: d_step { !calm && EPOCHS > 3 && (mailbox[3].by[0].stated || mailbox[3].by[1].stated) -> wipe(3) }
    :: d_step { !calm && ALL_SENT -> calm = true }
    od
}

init { atomic { run run_end(0); run run_end(1); run relay() } }
