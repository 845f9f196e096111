"""The sentences of the benchmark: labelled as said, half of them hard negatives, and masked as well as promised."""

from __future__ import annotations

from collections import Counter

from benchmarks.privacy import Sentence, is_masked, read_sentences, score
from vocnlp.privacy import KINDS, Finding


def test_the_set_is_large_balanced_and_labelled_within_its_texts():
    sentences = read_sentences()
    kinds = Counter(span.kind for sentence in sentences for span in sentence.spans)
    assert len(sentences) >= 320
    assert (
        len({sentence.id for sentence in sentences}) == len({sentence.text for sentence in sentences}) == len(sentences)
    )
    assert sum(not sentence.spans for sentence in sentences) >= len(sentences) / 2
    assert sum(sentence.blind for sentence in sentences) >= len(sentences) / 5
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 8
    assert all(0 <= span.start < span.end <= len(one.text) for one in sentences for span in one.spans)


def test_recall_and_precision_on_the_whole_set():
    figures = score(read_sentences())
    assert figures["recall"] >= 0.98
    assert figures["precision"] >= 0.97


def test_a_span_is_masked_only_when_all_of_it_is():
    text, whole = "电话13800001357", Finding("mobile", 2, 13)
    assert is_masked(whole, text, [whole])
    assert not is_masked(whole, text, [Finding("mobile", 2, 12)])
    assert not is_masked(whole, text, [])


def test_a_miss_and_a_false_alarm_are_counted():
    missed = Sentence("1", "无事发生", (Finding("name", 0, 2),), False)
    alarm = Sentence("2", "电话13800001357", (), False)
    found = Sentence("3", "电话13800001357", (Finding("mobile", 2, 13),), False)
    figures = score([missed, alarm, found])
    assert (figures["recall"], figures["precision"]) == (0.5, 0.5)
    assert (figures["hard_negatives"], figures["hard_negatives_untouched"]) == (1, 0)
    assert figures["per_kind"]["name"]["recall"] == 0.0
