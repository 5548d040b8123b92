"""What a recipe may say, and the safe defaults."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config
from bimedix2.errors import ConfigError
from bimedix2.review import Config

GIVEN: dict[str, Any] = {
    "input": "in",
    "store": "reviews.sqlite",
    "output": "runs/closed",
    "plans": [{"plan": "all"}],
    "people": [{"name": "amal", "role": "reviewer"}, {"name": "omar", "role": "reviewer"}],
}


def build(**changes: Any) -> Config:
    return config.build(Config, {**GIVEN, **changes})


def test_defaults_are_safe() -> None:
    made = build()
    assert (made.host, made.overlap, made.limit, made.level) == ("127.0.0.1", 2, 0.08, 0.95)
    assert made.passwords_file == Path("runs/closed.passwords.txt")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"host": "0.0.0.0"}, "cross the network in clear"),
        ({"store": "postgresql://u:secret@h/d"}, "put it into PGPASSWORD"),
        ({"overlap": 3}, "3 reviews a pair need as many reviewers"),
        (
            {"people": [*GIVEN["people"], {"name": "amal", "role": "adjudicator"}]},
            "'amal' stands in people twice",
        ),
        ({"people": [{"name": "a+b", "role": "reviewer"}]}, "people.0.name"),
        ({"plans": [{"plan": "random"}]}, "needs one of share and count"),
        ({"plans": [{"plan": "lowest", "share": 0.1, "count": 3}]}, "needs one of share and count"),
        ({"plans": [{"plan": "all", "count": 3}]}, "takes every record"),
        ({"plans": [{"plan": "all"}, {"plan": "all"}]}, "two plans are of the same records"),
        ({"plans": []}, "plans"),
        ({"tls_cert": "c.pem"}, "belong together"),
        ({"limit": 0}, "limit"),
    ],
)
def test_what_is_refused_names_the_next_action(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        build(**changes)
    assert "secret" not in str(caught.value)


def test_other_machines_are_let_in_over_https_alone() -> None:
    assert build(host="0.0.0.0", behind_proxy=True).host == "0.0.0.0"
    assert build(host="0.0.0.0", tls_cert="c.pem", tls_key="k.pem").tls_key == Path("k.pem")
    assert build(people=[{"name": "أمل", "role": "reviewer"}], overlap=1).people[0].name == "أمل"
