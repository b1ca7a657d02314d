"""Whatever happened to a file, an import says what it can't take and ends; killed, it goes on where it was."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversations.counters import wrong
from conversations.models import Message
from exports.importing import talks
from exports.stream import Form, export
from tests.exports.importing import bring_in, content, counted, counts, forget_everyone, write
from tests.exports.people import START
from tests.factories import make_messages, make_person
from tests.memory import peak
from users.models import ChatUser

pytestmark = pytest.mark.django_db
DAMAGE = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 40),
        st.binary(max_size=8)
        | st.sampled_from([b"{", b"}", b"[", b"]", b'"', b"\n", b",", b"\\", b"\x00", b"NaN"]),
    ),
    min_size=1,
    max_size=6,
)


@hypothesis_settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(form=st.sampled_from(list(Form)), damage=DAMAGE, is_dry=st.booleans())
def test_no_damage_ends_it_otherwise(
    form: Form, damage: list[tuple[float, int, bytes]], is_dry: bool
) -> None:
    forget_everyone()
    with tempfile.TemporaryDirectory() as folder:
        path = write(counted("zebrafin"), Path(folder), form)
        raw = path.read_bytes()
        for place, removed, put in damage:
            at = int(place * len(raw))
            raw = raw[:at] + put + raw[at + removed :]
        path.write_bytes(raw)
        forget_everyone()
        status, said = bring_in(path, dry_run=is_dry)
    assert status in (0, 2)
    assert (status == 2) == (
        "".join(f"{line.split(', ')[-1]}\n" for line in said.splitlines()[-4:]) != "0 refused\n" * 4
    )
    assert list(wrong()) == []
    assert not (is_dry and ChatUser.objects.exists())


def test_killed_on_the_way_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talks, "CHUNK_ROWS", 5)
    person = make_person("Ana")
    make_messages(person, *[("visitor", f"number {number // 2}") for number in range(23)], start=START)
    ChatUser.objects.update(last_active=START.replace(year=2027))
    held, path = content(person.uuid), write(person, tmp_path)
    forget_everyone()
    flush, flushed = talks.Chunks.flush, []

    def and_die(chunks: talks.Chunks) -> None:
        flush(chunks)
        flushed.append(1)
        if len(flushed) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(talks.Chunks, "flush", and_die)
    with pytest.raises(KeyboardInterrupt):
        bring_in(path)
    assert Message.objects.count() == 10
    monkeypatch.setattr(talks.Chunks, "flush", flush)
    status, said = bring_in(path)
    assert (status, counts(said, "messages")) == (0, (13, 0, 10, 0))
    assert content(person.uuid) == held
    assert list(wrong()) == []


@pytest.mark.parametrize("form", list(Form))
def test_memory_stays_flat(tmp_path: Path, form: Form) -> None:
    def peaks(number: int) -> tuple[int, int]:
        forget_everyone()
        person = make_person("Ana")
        make_messages(
            person, *[("visitor", f"number {number} " + "x" * 400) for number in range(number)], start=START
        )
        with peak() as out:
            size = sum(map(len, export(ChatUser.objects.get(), form).blocks))
        assert size > 0
        path = write(person, tmp_path, form)
        forget_everyone()
        with peak() as back:
            assert bring_in(path)[0] == 0
        return out.bytes, back.bytes

    peaks(10)  # what is made once
    few, many = peaks(2_500), peaks(6_000)
    assert many[0] < 1.3 * few[0]
    assert many[1] < 1.3 * few[1]
