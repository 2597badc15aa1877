"""Public docstrings: numpydoc's rules, and a doctest for each public name."""

import dataclasses
import doctest
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

import skngd

validation = pytest.importorskip("numpydoc.validate")
docscrape = pytest.importorskip("numpydoc.docscrape")

API = Path(__file__).parents[1] / "doc" / "api.rst"
# Rules that are not asked for, the first three as in scikit-learn.
LEFT_OUT = {
    "RT02": "what is returned has a name",
    "GL01": "the summary begins on the line of the quotes",
    "GL02": "a summary may be the whole docstring",
    "ES01": "a summary that says all needs no second paragraph",
}
# The parts of the engine: a method whose docstring is a sentence may tell its arguments in it.
ENGINE = ("skngd.models", "skngd.losses", "skngd.tangent", "skngd.optim")
# A description or a summary may begin with a formula, which keeps its letters.
FORMULA = re.compile(r"\w{1,2}\b|\S*[^\sa-zA-Z.,;:'’-]|(log|exp|div)\b")


def public_names():
    """The names of doc/api.rst, with their modules."""
    module, listed = None, False
    for line in API.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif line.startswith(".. "):
            listed = line.startswith(".. autosummary")
        elif listed and (found := re.match(r"   ([A-Za-z_][\w.]*)$", line)):
            yield f"{module}.{found[1]}"


def object_of(name):
    found, path = import_module("skngd"), "skngd"
    for part in name.split(".")[1:]:
        path = f"{path}.{part}"
        found = getattr(found, part) if hasattr(found, part) else import_module(path)
    return found


def methods_of(cls):
    """(name, function or property) of the public methods, as documented: by the class itself or by
    the class that it inherits the docstring from.
    """
    for name in dir(cls):
        held = [vars(base)[name] for base in cls.__mro__ if name in vars(base)]
        if name.startswith("_") or not held:
            continue
        # scikit-learn's decorator keeps the method as ``fn``.
        held = [getattr(one, "__func__", getattr(one, "fn", one)) for one in held]
        told = next((one for one in held if one.__doc__), held[0])
        function = told.fget if isinstance(told, property) else told
        if inspect.isfunction(function) and function.__module__.startswith("skngd"):
            yield name, told


def documented():
    """(object, whether it is a method) of all that is public, each once."""
    found = {}
    for name in public_names():
        public = object_of(name)
        found[id(public)] = public, False
        if inspect.isclass(public):
            found.update({id(method): (method, True) for _, method in methods_of(public)})
    return found.values()


def begins_with_formula(code, public):
    """Whether all that numpydoc would see begin with a capital letter begins with a formula."""
    doc = docscrape.FunctionDoc(public) if inspect.isroutine(public) else docscrape.ClassDoc(public)
    texts = {"SS02": [" ".join(doc["Summary"])]}
    texts["PR08"] = [" ".join(entry.desc) for entry in doc["Parameters"]]
    texts["RT04"] = [" ".join(entry.desc) for entry in doc["Returns"]]
    small = [text for text in texts.get(code, ["prose"]) if text[:1].islower()]
    return all(FORMULA.match(text) for text in small)


def faults(public, is_method):
    """(code, sentence) of the rules that a docstring breaks."""
    has_sections = re.search(r"^ *-{3,}$", public.__doc__ or "", re.MULTILINE)
    for code, sentence in validation.validate(docscrape.get_doc_object(public))["errors"]:
        if code in LEFT_OUT or (is_method and code == "EX01"):
            continue
        if code == "SA01" and not inspect.isclass(public):
            continue
        if code == "PR01" and dataclasses.is_dataclass(public):
            continue  # its fields stand under Attributes
        if code in ("SS02", "PR08", "RT04") and begins_with_formula(code, public):
            continue
        is_part = getattr(public, "__module__", "").startswith(ENGINE)
        if is_part and is_method and not has_sections and code in ("PR01", "RT01", "GL08"):
            continue
        yield code, sentence


def test_docstrings_follow_numpydoc():
    broken = [
        f"{public.__module__}.{public.__qualname__}: {code} {sentence}"
        for public, is_method in documented()
        if not isinstance(public, property)
        for code, sentence in faults(public, is_method)
    ]
    assert not broken, "\n".join(broken)


def test_every_public_name_has_a_doctest():
    parser = doctest.DocTestParser()
    without = [
        name for name in public_names() if not parser.get_examples(object_of(name).__doc__ or "")
    ]
    assert not without


def test_every_exported_name_is_on_the_page():
    """What ``__all__`` of a public module exports stands in doc/api.rst; tables of names do not."""
    names = list(public_names())
    shown = {id(object_of(name)) for name in names}
    modules = {import_module(name.rsplit(".", 1)[0]) for name in names if name.count(".") < 3}
    missing = [
        f"{module.__name__}.{name}"
        for module in {skngd, *modules}
        for name in getattr(module, "__all__", ())
        if callable(getattr(module, name)) and id(getattr(module, name)) not in shown
    ]
    assert not missing
