"""What the trial's pages hand out: no name, nobody else's choice, and only one's own items again."""

from typing import Any

A = {"choice": {"choice": "best", "labels": ["A"]}}


def test_an_item_is_shown_and_chosen(serve_trial: Any) -> None:
    with serve_trial(2, overlap=1) as site:
        amal = site.signed_in("amal")
        data = amal.data()
        assert (data["item"], data["labels"], data["mode"], data["own"]) == (
            "001",
            ["A", "B", "C"],
            "choose",
            None,
        )
        assert amal.send("/choices", {"item": "001", **A}).json() == {"event": 3}
        assert amal.data()["item"] == "002"
        again = amal.data("/item?item=001")
        assert (again["mode"], again["own"]["labels"]) == ("revise", ["A"])
        assert "Best:" in amal.page("/mine")


def test_nobody_sees_what_another_chose(serve_trial: Any) -> None:
    with serve_trial(1, overlap=2) as site:
        site.signed_in("amal").send("/choices", {"item": "001", **A})  # not handed out yet
        amal, omar = site.signed_in("amal"), site.signed_in("omar")
        amal.data()
        note = {"choice": {"choice": "best", "labels": ["A"], "notes": "the first is right"}}
        assert amal.send("/choices", {"item": "001", **note}).status_code == 200
        page = omar.page()
        assert "the first is right" not in page
        assert "amal" not in page
        assert omar.data()["own"] is None
        assert omar.client.get("/item", params={"item": "001"}).status_code == 409


def test_errors_are_sentences(serve_trial: Any) -> None:
    with serve_trial(1, overlap=1) as site:
        amal = site.signed_in("amal")
        refused = amal.send("/choices", {"item": "001", **A})
        assert (refused.status_code, refused.json()["error"]) == (
            409,
            "this item was not given to you; go on with the next",
        )
        amal.data()
        wrong = amal.send("/choices", {"item": "001", "choice": {"choice": "tie", "labels": ["A"]}})
        assert wrong.status_code == 400
        assert "at least two" in wrong.json()["error"]
        assert amal.send("/choices", {"item": "001", **A}, form="forged").status_code == 403
        assert amal.send("/reviews", {"item": "001"}).status_code == 404
        assert site.client().post("/choices", json={"item": "001", **A}).status_code == 401


def test_only_pictures_of_the_trial_are_given_to_those_who_signed_in(serve_trial: Any) -> None:
    with serve_trial(1, overlap=1) as site:
        key = site.room.board.of("001").item.images[0]
        assert site.client().get(f"/images/{key}").status_code == 401
        amal = site.signed_in("amal")
        assert amal.client.get(f"/images/{key}").content[:4] == b"\x89PNG"
        assert amal.client.get(f"/images/{'0' * 64}").status_code == 404


def test_paragraphs_have_their_own_direction(serve_trial: Any) -> None:
    with serve_trial(2, overlap=1) as site:
        amal = site.signed_in("amal")
        assert '<p dir="ltr" data-start="0">There is a left pleural effusion' in amal.page()
        amal.send("/choices", {"item": "001", **A})
        page = amal.page()
        assert (
            '<p dir="rtl" data-start="0">يوجد انصباب جنبي أيسر سماكته <bdi dir="ltr">10-20 mm</bdi>.' in page
        )


def test_the_account_page_and_the_login_speak_of_the_trial(serve_trial: Any) -> None:
    with serve_trial(1, overlap=1) as site:
        login = site.client().get("/login?lang=ar").text
        assert "سجّل الدخول لتقييم الإجابات" in login
        page = site.signed_in("amal").page("/account")
        assert "Your choices are stored" in page
        assert "My choices" in page
