"""What a page is given is what it knows."""

from collections.abc import Mapping

import jinja2
import msgspec
import pytest
from jinja2 import meta

from registrary.web.pages import rendering
from registrary.web.pages.catalogue import PAGES, checked
from tests.unit.web.pages.examples import EXAMPLES


def environment_of():
    """Return an environment that reads the templates as the pages do, and remembers nothing."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(rendering.__name__.rpartition(".")[0]), autoescape=True
    )


def used_by(name):
    """Return the values that the template of the page *name* asks for."""
    environment = environment_of()
    environment.filters |= dict.fromkeys(("shown", "host"), str)
    environment.tests["way_back"] = bool
    loader = environment.loader
    assert loader is not None
    source = loader.get_source(environment, f"{name}.html")[0]
    return meta.find_undeclared_variables(environment.parse(source))


@pytest.mark.parametrize("name", PAGES)
def test_a_template_uses_what_the_catalogue_gives_it(name):
    """A value that no page shows misleads who makes it."""
    known = set(PAGES[name].__annotations__)

    unused = known - used_by(name)

    assert set() == unused - {"form_action", "goes_on"}  # read by the policy


def test_every_template_is_a_page_or_part_of_one():
    """A template nobody shows is read by nobody until it is wrong."""
    templates = {name.removesuffix(".html") for name in environment_of().list_templates()}

    assert set(PAGES) | {"frame", "parts"} == templates


@pytest.mark.parametrize("missing", ["csrf", "client", "form_action", "problem"])
def test_a_missing_value_is_a_fault(missing):
    """An endpoint that forgot something is found by the first test that shows its page."""
    values = {name: value for name, value in EXAMPLES["login"][1].items() if name != missing}

    with pytest.raises(msgspec.ValidationError, match=missing):
        checked("login", values)


def test_a_missing_value_inside_another_is_named_by_its_place():
    """The client of a consent has a dozen of them."""
    client = {"name": "Calendar", "client_id": "x"}

    with pytest.raises(msgspec.ValidationError, match=r"client_id_host.*\$\.client"):
        checked("consent", {**EXAMPLES["consent"][1], "client": client})


def test_a_value_of_another_type_is_a_fault_that_keeps_it_to_itself():
    """What is wrong may be a secret; traces are read by others."""
    with pytest.raises(msgspec.ValidationError) as refused:
        checked("login", {**EXAMPLES["login"][1], "csrf": b"secret-of-a-ticket"})

    assert "$.csrf" in str(refused.value)
    assert "secret-of-a-ticket" not in str(refused.value)


def test_a_value_the_page_does_not_know_is_a_fault():
    """A name with a slip of the finger would be missed where it is optional."""
    with pytest.raises(TypeError, match="mesage"):
        checked("error", {"mesage": "Gone"})


def test_what_may_be_left_out_is_none():
    """A template asks for it without knowing whether it was given."""
    values: Mapping[str, object] = checked("error", {})

    assert dict.fromkeys(("title", "message", "code", "reference")) == values
