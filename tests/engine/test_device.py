"""Where the engine's tensors lie, on a device that only has shapes."""

from typing import Any

from bimedix2.engine.local import Engine
from bimedix2.model import checkpoint


def test_answers_streams_and_scores_keep_all_tensors_on_the_models_device(
    asker: Any, pretended_gpu: None
) -> None:
    loaded = checkpoint.load("tiny-base")
    assert loaded.identity != asker.loaded.identity
    engine = Engine(loaded)
    requests = [
        asker.request(("red", "What is this?")),
        asker.request(("red", "Is this red?"), temperature=0.7, top_p=0.9, seed=1),
        asker.request("What is a chest radiograph?", max_tokens=3),
    ]
    assert [reply.completion_tokens for reply in engine.chat(requests)] == [12, 12, 3]
    for request in requests * 2:
        assert list(engine.stream(request))[-1].completion_tokens == request.sampling.max_tokens
    scores = engine.loglikelihood(
        [(requests[0], "chest"), (requests[0], "chest radiograph"), (requests[2], "x")]
    )
    assert all(score.tokens for score in scores)
    pairs = [((5, 6, 7), (8,)), ((5, 6, 7), (9, 10)), ((11,), (8,))]
    assert len(list(engine.score(pairs, 2))) == len(pairs)
