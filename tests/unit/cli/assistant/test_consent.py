"""What a person is asked before anything but the bundled stack is attacked."""

from pathlib import Path

import pytest

from cli.assistant.consent import NO, Consent, NoConsentError, question, require
from run.request import RunRequest


def test_the_question_names_the_host_and_the_most_that_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nbase_url: http://127.0.0.1:9\n")
    asked = question(RunRequest("single-burst", target=str(file), duration="2s").check())
    assert asked == (
        "Attack http://127.0.0.1:9/v1/mcp (target mine)? single-burst sends 50 requests in 2 s, "
        "at most 25 in a second, from 2 accounts."
    )


def test_the_question_does_not_tell_the_key_in_a_paths_query(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nbase_url: http://127.0.0.1:9\npath: /mcp?api_key=s3cret\n")
    asked = question(RunRequest("single-burst", target=str(file), duration="2s").check())
    assert asked.startswith("Attack http://127.0.0.1:9/mcp?*** (target mine)? ")
    assert "s3cret" not in asked


def test_a_no_is_one_line() -> None:
    require(Consent(yes=True))
    with pytest.raises(NoConsentError, match=NO):
        require(Consent(yes=False))
