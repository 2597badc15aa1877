"""What the text of an error or of a warning has to say."""

import re

# What tells the reader what to do.
ADVICE = (
    r"\b([Uu]se|[Ss]et|[Tt]ry|[Gg]ive|[Dd]rop|[Ll]eave|[Rr]emove|[Rr]eplace|[Cc]hange|[Ee]ncode|"
    r"[Rr]eshape|[Pp]ass|[Cc]all|[Cc]heck|[Ii]mpute|such as|has to|avoids|it is possible to)\b"
)


def assert_says(error, expected, came):
    """The message says what was expected and what came."""
    message = str(error)
    assert re.search(expected, message), f"what was expected: {message}"
    assert re.search(came, message), f"what came: {message}"


def assert_advises(error, expected, came):
    """It also says what to try."""
    assert_says(error, expected, came)
    assert re.search(ADVICE, str(error)), f"what to try: {error}"
