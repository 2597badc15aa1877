"""What in X and y is no number, so that an error can name it."""

import numpy as np

# Kinds of NumPy's dtypes that are times and spans of time, which are no numbers without a unit.
TIMES = "mM"
# More names than these make a message no clearer.
MOST_NAMES = 10


def is_missing(value):
    """Whether an entry stands for nothing: None, NaN, pandas.NA, NaT."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA is neither equal nor different
        return True
    except ValueError:  # an array
        return False


def is_number(value):
    """Whether an entry converts to a real number; what is missing does."""
    try:
        return is_missing(value) or np.ndim(float(value)) == 0
    except (TypeError, ValueError):
        return False


def has_times(array):
    """Whether an array or a frame holds times or spans of time."""
    dtypes = getattr(array, "dtypes", None)
    if dtypes is None or not np.iterable(dtypes):
        dtypes = [getattr(array, "dtype", None)]
    return any(getattr(dtype, "kind", "-") in TIMES for dtype in dtypes if dtype is not None)


def _holds_numbers(column):
    values = np.asarray(column)
    if values.dtype.kind in "OSU":
        return all(is_number(value) for value in values.ravel().tolist())
    return values.dtype.kind not in TIMES


def columns_without_numbers(frame):
    """Names of the columns of a frame that do not convert to numbers; none for other inputs."""
    names = getattr(frame, "columns", None)
    if names is None or not hasattr(frame, "__getitem__"):
        return []
    return [name for name in dict.fromkeys(names) if not _holds_numbers(frame[name])]


def sentence_on_columns(frame):
    """What to do with the columns that hold no numbers; empty where there are none."""
    names = columns_without_numbers(frame)
    times = [name for name in names if has_times(frame[name])]
    words = [name for name in names if name not in times]
    told = []
    if words:
        subject, shown = _subject(words)
        told.append(
            f"{subject} no numbers. Encode words, for example with make_column_transformer("
            f"(OneHotEncoder(handle_unknown='ignore'), [{shown}]), remainder='passthrough')."
        )
    if times:
        subject, _ = _subject(times)
        told.append(
            f"{subject} times. Turn them into numbers, such as "
            f"(X[{times[0]!r}] - X[{times[0]!r}].min()) / np.timedelta64(1, 'D')."
        )
    return " ".join(told)


def _subject(names):
    """The beginning of a sentence on columns, and their names."""
    shown = ", ".join(map(repr, names[:MOST_NAMES])) + (", …" if len(names) > MOST_NAMES else "")
    return (f"Column {shown} holds" if len(names) == 1 else f"Columns {shown} hold"), shown


def refuse_times(X):
    """Refuse inputs that hold times, which would count nanoseconds, or whatever unit they have."""
    if has_times(X):
        told = (
            sentence_on_columns(X) or "Turn them into numbers, such as X / np.timedelta64(1, 'D')."
        )
        raise ValueError(f"Expected X to hold numbers, got times. {told}")


def numbers_of(y):
    """Targets that are kept as objects or words, as the numbers that they are.

    Raises
    ------
    ValueError
        If an entry is none, with that entry, or if y holds times.
    """
    try:
        values = np.asarray(y)
    except ValueError:  # ragged: scikit-learn says so
        return y
    kind = values.dtype.kind
    if kind in TIMES or has_times(y):
        raise ValueError(
            f"Expected y to hold numbers, got {values.dtype}. Turn times into numbers, such as "
            "(y - y.min()) / np.timedelta64(1, 'D')."
        )
    if kind not in "OSU":
        return y
    entries = values.ravel().tolist()
    for entry in entries:
        if not is_number(entry):
            told = sentence_on_columns(y) or (
                "NaturalMomentumClassifier is for labels; OrdinalEncoder turns words with an order "
                "into numbers."
            )
            raise ValueError(
                f"Expected y to hold numbers, could not convert {entry!r} to float. {told} Pass y "
                "as numbers."
            )
    numbers = [np.nan if is_missing(entry) else float(entry) for entry in entries]
    return np.array(numbers, dtype=np.float64).reshape(values.shape)


def labels_of(y):
    """Labels that are kept as objects, as the integers or booleans that they are; others as is."""
    try:
        values = np.asarray(y)
    except ValueError:  # ragged
        return y
    if values.dtype.kind != "O" or not values.ndim or not values.size:
        return y
    entries = values.ravel().tolist()
    if any(is_missing(entry) for entry in entries):
        raise ValueError(
            "Expected a label for each row, got NaN, None or another missing value: y contains NaN."
            " Drop these rows, or give them a label of their own."
        )
    kinds = {type(entry) for entry in entries}
    if str in kinds and len(kinds) > 1:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(f"Expected labels of one kind, got {names}. Pass y.astype(str).")
    if kinds <= {bool, np.bool_} or all(
        issubclass(kind, int | np.integer) and kind is not bool for kind in kinds
    ):
        return np.array(entries).reshape(values.shape)
    return y
