"""What a child tells arrives whole, in bounds, and readable; what it should not tell ends the run."""

import json
import os

import pytest

from mgic.protocol import MAX_LINES, MAX_POINTS
from worker.channel import Channel, TooMuch


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    channel = Channel(reading)
    yield channel, writing
    os.close(writing)
    os.close(reading)


def tell(writing, **message):
    os.write(writing, json.dumps(message).encode() + b"\n")


def test_messages_that_come_in_pieces_are_put_together(pipe):
    channel, writing = pipe
    line = json.dumps({"kind": "progress", "progress": 0.25, "phase": "training"}).encode() + b"\n"
    for byte in line:
        channel.read()
        os.write(writing, bytes([byte]))
    channel.read()
    assert (channel.told.progress, channel.told.phase) == (0.25, "training")


def test_a_message_cut_short_is_said_to_be_damaged_and_the_next_one_counts(pipe):
    channel, writing = pipe
    os.write(writing, b'{"kind": "curve", "na\n')
    tell(writing, kind="curve", name="train/loss", step=3, value=None)
    channel.read()
    assert "damaged" in channel.told.lines[0]
    assert channel.told.points == [("train/loss", 3, None)]


def test_a_message_of_no_known_kind_or_without_a_field_is_damaged_too(pipe):
    channel, writing = pipe
    tell(writing, kind="verse", line="x")
    tell(writing, kind="curve", name="train/loss", value=1.0)
    tell(writing, kind="outcome", outcome={"status": "succeeded"}, artifacts=[])
    tell(writing, kind="progress", progress=0.5, phase="training")
    channel.read()
    assert ["damaged" in line for line in channel.told.lines] == [True, True, True]
    assert (channel.told.points, channel.told.outcome, channel.told.progress) == ([], None, 0.5)


def test_control_characters_do_not_reach_the_log(pipe):
    channel, writing = pipe
    tell(writing, kind="log", line="a\x1b[31mb\x00c")
    channel.read()
    assert channel.told.lines == ["a [31mb c"]


def test_a_log_ends_with_a_word_about_it(pipe):
    channel, _ = pipe
    for number in range(MAX_LINES + 10):
        channel.text(str(number))
    assert len(channel.told.lines) == MAX_LINES
    assert "ends here" in channel.told.lines[-1]


def test_too_many_points_are_an_error_that_says_so(pipe):
    channel, writing = pipe
    line = json.dumps({"kind": "curve", "name": "x", "step": 1, "value": 1.0}).encode() + b"\n"

    def flood():
        for _ in range(MAX_POINTS // 500 + 1):
            os.write(writing, line * 500)
            channel.read()

    with pytest.raises(TooMuch, match=str(MAX_POINTS)):
        flood()


def test_a_new_job_starts_with_nothing_of_the_last_one(pipe):
    channel, writing = pipe
    tell(writing, kind="log", line="old")
    channel.read()
    channel.begin()
    assert channel.told.lines == []
    assert channel.told.outcome is None
