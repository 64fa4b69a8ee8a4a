"""Runs named cases and prints one line for each: `ok NAME`, or `FAIL NAME: reason`."""
import sys
import traceback

CASES = []


class Failed(Exception):
    """The server did something else than the case demands."""


def case(function):
    """Registers a function as a case; its name is the case's."""
    CASES.append(function)
    return function


def equal(got, want):
    """Equal in value and in type, at every depth; a NaN equals itself."""
    if type(got) is not type(want):
        raise Failed('got %r of %s, wanted %r of %s' % (got, type(got).__name__, want, type(want).__name__))
    if isinstance(want, dict):
        if list(got) != list(want) and sorted(got) != sorted(want):
            raise Failed('got members %r, wanted %r' % (list(got), list(want)))
        for key in want:
            equal(got[key], want[key])
    elif isinstance(want, list):
        if len(got) != len(want):
            raise Failed('got %d items, wanted %d' % (len(got), len(want)))
        for one, other in zip(got, want):
            equal(one, other)
    elif got != want and not (got != got and want != want):
        raise Failed('got %.200r, wanted %.200r' % (got, want))


def fails(kind, function, *args, text=None):
    """`function(*args)` has to raise exactly `kind`, with `text` (one, or one of a tuple) if given; returns the exception."""
    try:
        result = function(*args)
    except kind as error:
        if type(error) is not kind:
            raise Failed('raised %r, wanted %s' % (error, kind.__name__))
        if text is not None and error.args[0] not in (text if isinstance(text, tuple) else (text,)):
            raise Failed('error text %r, wanted %r' % (error.args[0], text))
        return error
    raise Failed('gave %.200r, wanted %s' % (result, kind.__name__))


def main(*args):
    """Runs all cases with these arguments; the exit status is 1 if any failed."""
    failed = 0
    for function in CASES:
        try:
            function(*args)
        except Exception as error:
            failed += 1
            if not isinstance(error, Failed):
                traceback.print_exc()
            print('FAIL %s: %s: %s' % (function.__name__, type(error).__name__, error))
        else:
            print('ok', function.__name__)
    print('%d passed, %d failed' % (len(CASES) - failed, failed))
    sys.exit(1 if failed or not CASES else 0)
