"""Docstrings that take the words on shared parameters from another class.

A notebook shows the description of each parameter, and finds it in the docstring of the class.
"""

import inspect
import re

# What stands in the place of a description.
BORROWED = re.compile(r"As (in|of) :class:`(\w+)`\.$")


def described_by(other):
    """A decorator of classes: entries "As in :class:`Other`." become those of the other class.

    The entry names the parameters, or attributes, that are borrowed, separated by commas.
    """

    def decorate(cls):
        if cls.__doc__ and other.__doc__:  # none with python -OO
            filled = _filled(inspect.cleandoc(cls.__doc__), inspect.cleandoc(other.__doc__))
            cls.__doc__ = _sorted(filled, [*inspect.signature(cls).parameters])
        return cls

    return decorate


def _entries(doc):
    """(section, names, lines) of each entry of each section; other lines have no names."""
    lines, section = doc.splitlines(), ""
    for number, line in enumerate(lines):
        follows = lines[number + 1] if number + 1 < len(lines) else ""
        if line and not line.startswith(" ") and follows.startswith("---"):
            section = line
        is_rule = line.startswith("---")
        lists = section in ("Parameters", "Attributes") and line != section and not is_rule
        if lists and line and not line.startswith(" "):
            names, entry = tuple(re.split(r",\s*", line.partition(" : ")[0])), [line]
            yield section, names, entry
            # The lines of the description join the entry as they are met.
        elif lists and line.startswith(" "):
            entry.append(line)
        else:
            yield section, (), [line]


def _filled(doc, other):
    known = {}
    for section, names, lines in list(_entries(other)):
        known.update({(section, name): (names, lines) for name in names})
    filled, seen = [], set()
    for section, names, lines in list(_entries(doc)):
        borrows = len(lines) == 2 and BORROWED.match(lines[1].strip())
        if not borrows:
            filled += lines
            continue
        for name in names:
            together, description = known[section, name]
            if description[0] not in seen:
                header = description[0].partition(" : ")[2]
                shared = ", ".join(one for one in together if one in names)
                filled += [f"{shared} : {header}" if header else shared, *description[1:]]
                seen.add(description[0])
    return "\n".join(filled) + "\n"


def _sorted(doc, parameters):
    """The entries of the parameters in the order of the signature."""
    pieces = list(_entries(doc))
    places = [
        i for i, (section, names, _) in enumerate(pieces) if names and section == "Parameters"
    ]
    ranked = sorted(places, key=lambda i: parameters.index(pieces[i][1][0]))
    moved = dict(zip(places, ranked, strict=True))
    lines = [pieces[moved.get(i, i)][2] for i in range(len(pieces))]
    return "\n".join(line for entry in lines for line in entry) + "\n"
