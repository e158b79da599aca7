"""Which values a field of a config may have, whatever the field."""

import pytest
from pydantic import ValidationError

from mgic.records import SweepRequest


@pytest.mark.parametrize("text", ["a\x1b[2J", "a\nb", "\0", "\x7f", "\x9b", "\ud800", "x" * 501])
def test_text_has_no_control_characters_and_is_short(text):
    with pytest.raises(ValidationError, match="at most 500 characters, none a control character"):
        SweepRequest(experiment="cost", axes={"model": [text]})


def test_text_of_any_language_is_taken():
    axes = {"model": ["ρέσνετ 20", "网络", "🙂", "x" * 500]}
    assert SweepRequest(experiment="cost", axes=axes).axes == axes
