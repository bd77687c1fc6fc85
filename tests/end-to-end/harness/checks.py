"""Assertions that say what they saw."""


def short(value):
    text = repr(value)
    return text if len(text) <= 600 else text[:400] + " … " + text[-180:]


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def equal(actual, expected, what):
    if actual != expected:
        raise AssertionError("%s: %s instead of %s" % (what, short(actual), short(expected)))


def contains(whole, part, what):
    if part not in whole:
        raise AssertionError("%s: no %s in %s" % (what, short(part), short(whole)))


def lacks(whole, part, what):
    if part in whole:
        raise AssertionError("%s: %s is in %s" % (what, short(part), short(whole)))


def failure(kind, call, what):
    """Calls, and returns the exception of that kind that must come."""
    try:
        result = call()
    except kind as error:
        return error
    raise AssertionError("%s: no error, but %s" % (what, short(result)))
