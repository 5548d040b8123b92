"""The pages' addresses over HTTP: signing in, roles, what is shown to whom, and what is refused."""

import json
import re
import threading
from collections import Counter
from typing import Any

import pytest

GOOD: dict[str, Any] = {"verdict": "none"}
MAJOR: dict[str, Any] = {
    "verdict": "major",
    "issues": [{"category": "laterality", "part": 2, "start": 31, "end": 37}],
    "rationale": "SECRET REASON",
}


def give(site: Any, name: str, *judged: dict[str, Any]) -> None:
    person = site.signed_in(name)
    for value in judged:
        item = person.data()["item"]
        assert person.send("/reviews", {"item": item, "judgement": value}).status_code == 200


def test_without_signing_in_nothing_is_shown(serve: Any) -> None:
    with serve(1) as site:
        client = site.client()
        for path in ("/", "/mine", "/pair?item=ar-0", "/account"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/login"), path
        key = next(iter(site.room.board.standings.values())).item.images[0]
        assert client.get(f"/images/{key}").status_code == 401
        for path in ("/reviews", "/skips", "/comments", "/resolutions", "/logout", "/account"):
            assert client.post(path, json={"item": "ar-0"}).status_code == 401, path
        assert client.get("/docs").status_code == 404
        wrong = client.post("/login", data={"name": "amal", "password": "wrong"})
        assert wrong.status_code == 401
        assert "Name or password is wrong" in wrong.text


def test_a_reviewer_sees_both_texts_the_image_and_no_review(serve: Any) -> None:
    with serve(2) as site:
        give(site, "omar", MAJOR)
        amal = site.signed_in("amal")
        page = amal.page()
        assert "There is a small left pleural effusion." in page
        assert '<p dir="rtl" data-start="0">يوجد انصباب جنبي صغير في الجهة اليمنى.</p>' in page
        assert "SECRET REASON" not in page
        assert "omar" not in page
        key = re.findall(r'src="/images/(\w+)"', page)[0]
        answer = amal.client.get(f"/images/{key}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert amal.client.get(f"/images/{'0' * 64}").status_code == 404
        assert amal.client.get("/pair?item=ar-0").status_code == 409
        assert "SECRET REASON" not in amal.page("/mine")


def test_numbers_and_latin_words_of_a_translation_are_isolated(serve: Any) -> None:
    with serve(2, overlap=1) as site:
        give(site, "amal", GOOD)
        page = site.signed_in("amal").page()
        assert '<bdi dir="ltr">amoxicillin</bdi>' in page
        assert '<bdi dir="ltr">500 mg</bdi>' in page


def test_a_conflict_is_shown_without_names_and_resolved(serve: Any) -> None:
    with serve(1) as site:
        give(site, "amal", MAJOR)
        give(site, "omar", GOOD)
        omar, huda = site.signed_in("omar"), site.signed_in("huda")
        data = omar.data("/pair?item=ar-0")
        assert data["mode"] == "discuss"
        assert "amal" not in json.dumps(data)
        assert {review["verdict"]: review["mine"] for review in data["others"]} == {
            "major": False,
            "none": True,
        }
        assert next(r for r in data["others"] if not r["mine"])["issues"][0]["text"] == "اليمنى"
        said = omar.send("/comments", {"item": "ar-0", "text": "أين؟"})
        assert said.json()["comments"][0]["text"] == "أين؟"
        assert 'href="/pair?item=ar-0"' in huda.page()
        seen = huda.data("/pair?item=ar-0")
        assert seen["mode"] == "adjudicate"
        assert "omar" not in json.dumps(seen)
        assert huda.send("/resolutions", {"item": "ar-0", "judgement": MAJOR}).status_code == 200
        assert huda.data("/pair?item=ar-0")["final"] is True
        assert omar.data("/pair?item=ar-0")["final"] is True


def test_roles_are_kept_apart(serve: Any) -> None:
    with serve(1) as site:
        give(site, "amal", MAJOR)
        give(site, "omar", GOOD)
        amal, sara, huda = (site.signed_in(name) for name in ("amal", "sara", "huda"))
        body = {"item": "ar-0", "judgement": GOOD, "text": "x", "reason": "x"}
        assert amal.send("/resolutions", body).status_code == 409
        assert huda.send("/reviews", body).status_code == 409
        assert huda.send("/skips", body).status_code == 409
        for path in ("/reviews", "/skips", "/comments", "/resolutions"):
            assert sara.send(path, body).status_code == 409, path
        assert sara.client.get("/pair?item=ar-0").status_code == 409
        assert [e.kind for e in site.room.store.events()].count("reviewed") == 2


def test_a_request_from_another_page_writes_nothing(serve: Any) -> None:
    with serve(1) as site:
        amal, omar = site.signed_in("amal"), site.signed_in("omar")
        body = {"item": amal.data()["item"], "judgement": GOOD}
        omars = omar.data("/account")["form"]
        for form in ("", "x", omars):
            assert amal.send("/reviews", body, form).status_code == 403
        good = amal.data("/account")["form"]
        for headers in (
            {"Origin": "http://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Origin": "null"},
        ):
            answer = amal.client.post("/reviews", json=body, headers={"X-Form-Token": good, **headers})
            assert answer.status_code == 403, headers
        answer = amal.client.post(
            "/login", data={"name": "x", "password": "y"}, headers={"Origin": "http://e.example"}
        )
        assert answer.status_code == 403
        assert amal.client.get("/", headers={"Host": "evil.example"}).status_code == 421
        kinds = [event.kind for event in site.room.store.events()]
        assert "reviewed" not in kinds


def test_every_answer_carries_the_headers(serve: Any) -> None:
    with serve(1) as site:
        answer = site.client().get("/login")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        signed = site.client().post("/login", data={"name": "amal", "password": site.passwords["amal"]})
        cookie = signed.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie


def test_signing_out_and_a_new_password(serve: Any) -> None:
    with serve(1) as site:
        amal = site.signed_in("amal")
        form = amal.data("/account")["form"]
        short = amal.client.post(
            "/account", data={"form": form, "old": site.passwords["amal"], "new": "short"}
        )
        assert (short.status_code, "too short" in short.text) == (400, True)
        wrong = amal.client.post("/account", data={"form": form, "old": "x", "new": "a long new password"})
        assert (wrong.status_code, "not right" in wrong.text) == (400, True)
        given = {"form": form, "old": site.passwords["amal"], "new": "a long new password"}
        done = amal.client.post("/account", data=given)
        assert (done.status_code, "was changed" in done.text) == (200, True)
        site.passwords["amal"] = "a long new password"
        again = site.signed_in("amal")
        assert again.client.post("/logout", data={"form": again.data("/account")["form"]}).status_code == 303
        assert again.client.get("/").headers["location"] == "/login"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"item": 3}', 400),
        (b'{"item": "ar-0", "judgement": {"verdict": "bad"}}', 400),
        (b'{"item": "ar-9", "judgement": {"verdict": "none"}}', 400),
        (b'{"item": "ar-0", "judgement": {"verdict": "none", "rationale": "\xff"}}', 400),
        (b"x" * (5 << 20), 413),
    ],
)
def test_a_broken_request_is_one_sentence(serve: Any, body: bytes, status: int) -> None:
    with serve(1) as site:
        amal = site.signed_in("amal")
        amal.page()
        headers = {"X-Form-Token": amal.data("/account")["form"], "Content-Type": "application/json"}
        answer = amal.client.post("/reviews", content=body, headers=headers)
        assert answer.status_code == status
        assert answer.json()["error"]
        assert "\n" not in answer.json()["error"]


def test_a_request_of_another_media_type_is_refused(serve: Any) -> None:
    with serve(1) as site:
        amal = site.signed_in("amal")
        headers = {"X-Form-Token": amal.data("/account")["form"], "Content-Type": "text/plain"}
        assert amal.client.post("/reviews", content=b"{}", headers=headers).status_code == 400


def test_the_pages_in_arabic_and_a_language_that_is_remembered(serve: Any) -> None:
    with serve(1) as site:
        amal = site.signed_in("amal")
        page = amal.page("/?lang=ar")
        assert '<html lang="ar" dir="rtl">' in page
        assert "ما درجة أشدّ خطأ في الترجمة؟" in page
        assert '<html lang="ar" dir="rtl">' in amal.page("/mine")


def test_twenty_people_at_once_over_http_lose_nothing(serve: Any) -> None:
    people = [{"name": f"r{n}", "role": "reviewer"} for n in range(20)]
    told: list[int] = []
    failures: list[BaseException] = []
    with serve(10, people=people, overlap=4) as site:
        signed = [site.signed_in(person["name"]) for person in people]

        def work(person: Any) -> None:
            try:
                form = person.data("/account")["form"]
                while (item := person.data().get("item")) is not None:
                    answer = person.send("/reviews", {"item": item, "judgement": GOOD}, form)
                    assert answer.status_code == 200, answer.text
                    told.append(answer.json()["event"])
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(person,)) for person in signed]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert not failures
        written = [event.seq for event in site.room.store.events() if event.kind == "reviewed"]
        assert Counter(told) == Counter(written)
        assert len(told) == 40
        assert site.room.board.progress()["settled"] == 10
        site.room.store.check()
