/* What a daemon would find here, for wormctl doctor: settings, certificates, the state directory,
 * the relay. Findings are JSON objects on standard output, one per line, each as soon as it is
 * known. */
#ifndef DAEMON_DIAGNOSE_H
#define DAEMON_DIAGNOSE_H

struct service_options;

/* How good a finding is. */
enum diagnose_result {
    DIAGNOSE_GOOD = 0,
    DIAGNOSE_HINT, /* it works; somebody may want to know */
    DIAGNOSE_BAD,  /* it does not work */
    DIAGNOSE_RESULTS,
};

/* Prints a finding: the format gives its text. `check` says what was looked at, `advice` what to do
 * (NULL: nothing). Bytes that are not UTF-8 become question marks. */
void diagnose_say(const char *check, enum diagnose_result result, const char *advice,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Looks at everything, for half a minute at most. Starts nothing and changes nothing. Returns the
 * exit status: success, unless a finding was bad. */
int diagnose_run(const struct service_options *options);

#endif
