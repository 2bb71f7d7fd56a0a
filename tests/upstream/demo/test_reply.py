from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.upstream.demo.ask import Ask, Speaker, Tool, Turn
from relay.upstream.demo.reply import Finish, count_tokens, fragments, reply_to, words
from tests.upstream.demo.calls import HELLO, WEATHER_ARGUMENTS, WEATHER_SCHEMA

HELLO_TURNS = (Turn(Speaker.USER, "Hello there"),)
WEATHER = Tool("weather", WEATHER_SCHEMA)


def test_the_user_is_quoted() -> None:
    reply = reply_to(Ask(HELLO_TURNS))
    assert (reply.text, reply.finish, reply.call) == (HELLO, Finish.DONE, None)


def test_the_last_thing_that_the_user_said_is_quoted() -> None:
    turns = (Turn(Speaker.USER, "one"), Turn(Speaker.USER, "two"), Turn(Speaker.ASSISTANT, "three"))
    assert 'You said: "two".' in reply_to(Ask(turns)).text


def test_white_space_is_folded() -> None:
    assert '"a b c"' in reply_to(Ask((Turn(Speaker.USER, "  a\n\n b\tc "),))).text


def test_a_long_text_is_quoted_in_part() -> None:
    text = reply_to(Ask((Turn(Speaker.USER, "x" * 1000),))).text
    assert f'"{"x" * 199}…"' in text


def test_nobody_is_quoted_who_said_nothing() -> None:
    assert reply_to(Ask((Turn(Speaker.SYSTEM, "be brief"),))).text == "This is MonoRelay's demo model."


@pytest.mark.parametrize(("images", "sentence"), [(1, "I see 1 image."), (3, "I see 3 images.")])
def test_images_are_counted(images: int, sentence: str) -> None:
    assert reply_to(Ask((Turn(Speaker.USER, "", images),))).text == f"This is MonoRelay's demo model. {sentence}"


def test_a_tool_is_called_with_sample_arguments() -> None:
    reply = reply_to(Ask(HELLO_TURNS, (WEATHER,), wanted=WEATHER))
    assert reply.call is not None
    assert (reply.call.name, reply.call.input, reply.finish) == ("weather", WEATHER_ARGUMENTS, Finish.TOOL)
    assert reply.call.arguments == '{"city":"demo","unit":"C"}'


def test_arguments_are_an_object_whatever_the_schema_says() -> None:
    tool = Tool("f", {"type": "string"})
    reply = reply_to(Ask(HELLO_TURNS, (tool,), wanted=tool))
    assert reply.call is not None
    assert reply.call.input == {}


def test_after_a_tool_its_result_is_quoted() -> None:
    turns = (*HELLO_TURNS, Turn(Speaker.TOOL, "20 degrees"))
    reply = reply_to(Ask(turns, (WEATHER,), wanted=WEATHER))
    assert reply.text == 'The tool said: "20 degrees".'
    assert reply.call is None


def test_a_wanted_shape_is_kept_after_a_tool_too() -> None:
    turns = (*HELLO_TURNS, Turn(Speaker.TOOL, "20 degrees"))
    assert reply_to(Ask(turns, schema=WEATHER_SCHEMA)).text == '{"city":"demo","unit":"C"}'


def test_the_text_is_cut_at_a_word() -> None:
    reply = reply_to(Ask(HELLO_TURNS, limit=3))
    assert (reply.text, reply.finish) == ("This is", Finish.LIMIT)


def test_a_word_that_just_fits_is_kept() -> None:
    assert reply_to(Ask(HELLO_TURNS, limit=1)).text == "This"


def test_a_first_word_that_is_too_long_is_cut() -> None:
    assert reply_to(Ask(HELLO_TURNS, schema=WEATHER_SCHEMA, limit=2)).text == '{"city":'


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    assert reply_to(Ask(HELLO_TURNS, limit=1000)) == reply_to(Ask(HELLO_TURNS))


def test_a_call_that_is_longer_than_the_limit_is_not_made() -> None:
    reply = reply_to(Ask(HELLO_TURNS, (WEATHER,), wanted=WEATHER, limit=2))
    assert (reply.text, reply.call, reply.finish, reply.usage.output_tokens) == ("", None, Finish.LIMIT, 2)


def test_the_earliest_stop_sequence_ends_the_text() -> None:
    reply = reply_to(Ask(HELLO_TURNS, stops=("You", "", "nowhere", "demo")))
    assert (reply.text, reply.finish, reply.stop) == ("This is MonoRelay's ", Finish.STOP, "demo")


def test_a_limit_before_the_stop_sequence_wins() -> None:
    reply = reply_to(Ask(HELLO_TURNS, stops=("You",), limit=2))
    assert (reply.text, reply.finish, reply.stop) == ("This is", Finish.LIMIT, None)


def test_tools_and_images_count_as_input() -> None:
    plain = count_tokens(Ask(HELLO_TURNS))
    assert plain == 3
    assert count_tokens(Ask(HELLO_TURNS, (WEATHER,))) > plain
    assert count_tokens(Ask((Turn(Speaker.USER, "Hello there", 2),))) == plain + 170


def test_an_empty_request_counts_one_token() -> None:
    assert count_tokens(Ask(())) == 1


@given(st.text())
def test_the_words_of_a_text_are_the_text(text: str) -> None:
    assert "".join(words(text)) == text


@given(st.text())
def test_the_fragments_of_arguments_are_the_arguments(arguments: str) -> None:
    assert "".join(fragments(arguments)) == arguments


def test_a_stream_has_a_bounded_number_of_pieces() -> None:
    assert len(words("word " * 100_000)) <= 256
    assert len(fragments("x" * 100_000)) <= 256


@given(said=st.text(max_size=300), limit=st.integers(1, 100))
def test_no_reply_is_longer_than_its_limit(said: str, limit: int) -> None:
    for wanted in (None, WEATHER):
        reply = reply_to(Ask((Turn(Speaker.USER, said),), (WEATHER,), wanted=wanted, limit=limit))
        assert 1 <= reply.usage.output_tokens <= limit
