"""The register of personal data: nothing that reaches a person is missing from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core import checks
from django.db import connection, models
from django.test.utils import isolate_apps

from conversations.models import Conversation, Message
from exports.checks import every_personal_table_is_declared
from exports.register import CHILDREN, NOT_PERSONAL, PERSON, REGISTER, WIPED, Declared, pointed_at, undeclared
from exports.unregistered import BY_HASH, NOBODY, unlisted
from users.models import ChatUser, Tag

ALL = apps.get_models(include_auto_created=True)
NAMES = [declared.name for declared in REGISTER]


class Throwaway(models.Model):
    """A model that lives for one test; its relations have `+` for a name, so they leave no trace on real models."""

    class Meta:
        abstract = True
        app_label = "users"

    def __str__(self) -> str:
        return "throwaway"


@pytest.fixture
def isolated() -> Iterator[None]:
    with isolate_apps("users"):
        yield


def names(found: list[type[models.Model]]) -> list[str]:
    return [model.__name__ for model in found]


def test_every_table_that_reaches_a_person_is_declared() -> None:
    assert undeclared(ALL) == []
    assert ChatUser in ALL
    assert len(REGISTER) == 10


@pytest.mark.usefixtures("isolated")
@pytest.mark.parametrize("relation", [models.ForeignKey, models.OneToOneField])
def test_a_table_that_points_at_a_person_is_found(relation: type[models.ForeignKey]) -> None:
    class Stray(Throwaway):
        whom = relation(ChatUser, on_delete=models.CASCADE, related_name="+")

    assert names(undeclared([*ALL, Stray])) == ["Stray"]


@pytest.mark.usefixtures("isolated")
def test_a_table_that_reaches_a_person_over_others_is_found() -> None:
    class Reaction(Throwaway):
        to = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")

    class ReactionDetail(Throwaway):
        of = models.OneToOneField(Reaction, on_delete=models.CASCADE)

    assert names(undeclared([*ALL, ReactionDetail, Reaction])) == ["Reaction", "ReactionDetail"]


@pytest.mark.usefixtures("isolated")
def test_a_many_to_many_and_its_table_are_found() -> None:
    class Segment(Throwaway):
        people = models.ManyToManyField(ChatUser, related_name="+")

    found = undeclared([*ALL, Segment, Segment.people.through])
    assert names(found) == ["Segment", "Segment_people"]


@pytest.mark.usefixtures("isolated")
def test_a_child_by_inheritance_is_found_and_a_proxy_is_not() -> None:
    class LoudMessage(Message):
        said = models.OneToOneField(
            Message, on_delete=models.CASCADE, parent_link=True, primary_key=True, related_name="+"
        )

        class Meta(Throwaway.Meta):
            abstract = False

    class SameMessage(Message):
        class Meta(Throwaway.Meta):
            abstract = False
            proxy = True

    assert names(undeclared([*ALL, LoudMessage, SameMessage])) == ["LoudMessage"]


@pytest.mark.usefixtures("isolated")
def test_a_generic_key_is_found() -> None:
    class Bookmark(Throwaway):
        kind = models.ForeignKey(ContentType, on_delete=models.CASCADE, related_name="+")
        number = models.IntegerField()
        target = GenericForeignKey("kind", "number")

    assert Bookmark in undeclared([*ALL, Bookmark])


@pytest.mark.usefixtures("isolated")
def test_a_table_that_a_personal_row_points_at_is_found() -> None:
    class Address(Throwaway):
        street = models.CharField(max_length=100)

    class Delivery(Throwaway):
        whom = models.ForeignKey(ChatUser, on_delete=models.CASCADE, related_name="+")
        to = models.ForeignKey(Address, on_delete=models.CASCADE, related_name="+")

    assert Tag in pointed_at([declared.model for declared in REGISTER])
    assert Tag in NOT_PERSONAL
    assert names(undeclared([*ALL, Address, Delivery])) == ["Address", "Delivery"]


@pytest.mark.usefixtures("isolated")
def test_a_table_that_reaches_nobody_is_left_alone() -> None:
    class Unrelated(Throwaway):
        word = models.CharField(max_length=5)

    assert undeclared([*ALL, Unrelated]) == []


def test_the_check_says_which_table_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert every_personal_table_is_declared in checks.registry.registry.registered_checks
    assert every_personal_table_is_declared(None) == []
    monkeypatch.setattr(
        "exports.register.REGISTER", [entry for entry in REGISTER if entry.name != "messages"]
    )
    [error] = every_personal_table_is_declared(None)
    assert error.id == "exports.E001"
    assert "conversations.Message " in error.msg


def test_every_table_is_in_one_list() -> None:
    assert unlisted(ALL) == []
    labels = {model._meta.label for model in ALL}
    listed = [
        *(entry.model._meta.label for entry in REGISTER),
        *(model._meta.label for model in NOT_PERSONAL),
    ]
    listed += [*BY_HASH, *NOBODY]
    assert sorted(listed) == sorted(labels)


def test_what_has_a_hash_of_a_person_is_said_to() -> None:
    by_hash = {model._meta.label for model in ALL if "person_hash" in names_of_columns(model)}
    assert by_hash > {"exports.Hold", "exports.Erasure"}
    assert by_hash <= BY_HASH.keys()


def names_of_columns(model: type[models.Model]) -> set[str]:
    return {field.name for field in model._meta.concrete_fields}


@pytest.mark.usefixtures("isolated")
@pytest.mark.parametrize("column", ["person_uuid", "person_hash", "email"])
def test_a_table_that_names_people_without_a_relation_is_found(column: str) -> None:
    fields = {"__module__": __name__, column: models.CharField(max_length=64)}
    stray = type("Stray", (Throwaway,), fields)
    assert undeclared([*ALL, stray]) == []
    assert names(unlisted([*ALL, stray])) == ["Stray"]


def test_the_check_says_which_table_is_in_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "exports.unregistered.BY_HASH",
        {label: why for label, why in BY_HASH.items() if label != "exports.Hold"},
    )
    [error] = every_personal_table_is_declared(None)
    assert (error.id, "exports.Hold " in error.msg) == ("exports.E002", True)


@pytest.mark.parametrize("declared", REGISTER, ids=NAMES)
def test_every_column_is_exported_or_left_out_for_a_reason(declared: Declared) -> None:
    exported = set()
    if declared.resource is not None:
        fields = declared.resource().get_export_fields()
        exported = {field.attribute.split("__")[0].removesuffix("_id") for field in fields}
        exported |= {field.attribute for field in fields}
    columns = {field.name for field in declared.model._meta.concrete_fields} - {declared.path}
    assert columns - exported - declared.left_out.keys() == set()
    assert declared.left_out.keys() <= columns, "left out what isn't there"
    assert not exported & declared.left_out.keys()
    assert all(declared.left_out.values())


@pytest.mark.parametrize("declared", CHILDREN, ids=NAMES[:-1])
def test_the_path_is_one_foreign_key_to_the_person(declared: Declared) -> None:
    relation = declared.model._meta.get_field(declared.path)
    assert isinstance(relation, models.ForeignKey)
    assert relation.related_model is ChatUser
    # A request by an address that nobody here has is about nobody here.
    assert not relation.null or declared.name == "requests"


def test_what_points_at_a_table_is_erased_before_it() -> None:
    assert REGISTER[-1] is PERSON
    place = {declared.model: at for at, declared in enumerate(REGISTER)}
    pairs = [
        (declared.model, target)
        for declared in REGISTER
        for target in pointed_at([declared.model])
        if target in place
    ]
    assert (Message, Conversation) in pairs
    assert all(place[model] < place[target] for model, target in pairs)


def test_the_tombstone_wipes_every_column_but_what_it_needs() -> None:
    columns = {field.name for field in ChatUser._meta.concrete_fields}
    assert columns - WIPED.keys() == {"id", "uuid", "erased_at", "held_at"}


@pytest.mark.parametrize("declared", REGISTER, ids=NAMES)
@pytest.mark.django_db
def test_an_index_serves_the_order(declared: Declared) -> None:
    """Reading and erasing walk along it, in chunks: without an index each chunk would sort everything."""
    if declared is PERSON or declared.order == ("pk",):
        return
    by = [declared.model._meta.get_field(name).column for name in (declared.path, *declared.order[:-1], "id")]
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, declared.model._meta.db_table)
    assert any(index["columns"] == by for index in found.values() if index["index"])


@pytest.mark.django_db
def test_the_search_tables_are_there() -> None:
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        indexes: set[str] = set()
        for declared in REGISTER:
            indexes |= connection.introspection.get_constraints(cursor, declared.model._meta.db_table).keys()
    sqlite = connection.vendor == "sqlite"
    named = [name for entry in REGISTER for name in (entry.search_tables if sqlite else entry.search_indexes)]
    assert named
    assert set(named) <= (tables if sqlite else indexes)
    if sqlite:
        full_text = {table.removesuffix("_config") for table in tables if table.endswith("_fts_config")}
        assert full_text == set(named), "a full-text table that the register does not know"
