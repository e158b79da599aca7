"""Files of answers to test samples: read in three ways, held together sample by sample, refused by name."""

import json

import numpy as np
import pytest
import torch

from mgic.errors import BadConfig
from mgic.gate.predictions import Predictions, pair, read_predictions
from mgic.tasks.evaluation import Judged


def written(folder, name: str, text: str):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def answers(*given: str, labels: str = "aabb", **more: str) -> Predictions:
    ids = [str(place) for place in range(len(labels))]
    return Predictions("file", dict(zip(ids, labels, strict=True)), dict(zip(ids, given, strict=True)), **more)


def test_the_three_files_say_the_same(tmp_path):
    rows = [{"id": 7, "label": 1, "prediction": 2}, {"id": 8, "label": 0, "prediction": 0}]
    files = [
        written(tmp_path, "a.csv", "\ufeffprediction,id,label\r\n2,7,1\r\n0,8,0\r\n"),
        written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n"),
        written(
            tmp_path, "b.jsonl", '{"id": 7, "label": 1, "logits": [0, 1, 2, 2]}\n{"id": 8, "label": 0, "logits": [1]}'
        ),
        written(tmp_path, "b.csv", 'id,label,logits\n7,1,"[0.5, -1, 3e4]"\n8,0,"[1, 0]"\n'),
    ]
    np.savez(tmp_path / "a.npz", id=[7, 8], label=[1, 0], prediction=[2, 0])
    np.savez(tmp_path / "b.npz", id=[7, 8], label=[1, 0], logits=np.array([[0.0, 1, 2], [1, 0, 0]]))
    for path in (*files, tmp_path / "a.npz", tmp_path / "b.npz"):
        found = read_predictions(path, "--predictions")
        assert (found.labels, found.answers) == ({"7": "1", "8": "0"}, {"7": "2", "8": "0"}), path.name
        assert found.right == 1


def test_what_evaluate_leaves_is_read_with_its_data_and_weights(tmp_path):
    judged = Judged(torch.eye(3), torch.tensor([0, 1, 1]))
    judged.save(tmp_path / "predictions.npz", "data", "weights")
    found = read_predictions(tmp_path / "predictions.npz", "--predictions")
    assert (found.dataset_hash, found.weights_hash, found.right) == ("data", "weights", 2)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "", "ends in .txt"),
        ("a", "", "ends in nothing"),
        ("a.csv", "", "id: a.csv has no sample"),
        ("a.csv", "id,prediction\n1,2\n", "label: a.csv, sample 1"),
        ("a.csv", "id,label\n1,2\n", "prediction: a.csv, sample 1 has neither"),
        ("a.csv", "id,label,prediction\n1,2,2\n1,2,2\n", "id: a.csv has '1' twice"),
        ("a.csv", 'id,label,logits\n1,2,"[1, ""x""]"\n', "logits: a.csv, sample 1"),
        ("a.csv", "id,label,logits\n1,2,[1\n", "is no csv file"),
        (
            "a.jsonl",
            '{"id": 1, "label": 1, "prediction": 1}\n\n{',
            "is no jsonl file: line 3, column 2: Expecting property",
        ),
        ("a.jsonl", "[]", "an object with id, label"),
        ("a.jsonl", '{"id": 1.5, "label": 1, "prediction": 1}', "id: a.jsonl, sample 1: a whole number or a name"),
        ("a.jsonl", '{"id": 1, "label": true, "prediction": 1}', "label: a.jsonl, sample 1: a whole number or a name"),
        ("a.jsonl", '{"id": 1, "label": 1, "logits": [NaN, 1]}', "logits: a.jsonl, sample 1: a list of numbers"),
        ("a.npz", "no zip", "is damaged, or no npz file"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_field(tmp_path, name, text, said):
    with pytest.raises(BadConfig, match="--predictions") as caught:
        read_predictions(written(tmp_path, name, text), "--predictions")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"label": [1], "prediction": [1]}, "id: a.npz has no id"),
        ({"id": [1], "label": [1]}, "prediction: a.npz has neither"),
        ({"id": [1], "label": [1], "prediction": [0.5]}, "prediction is of shape (1,) and float64"),
        ({"id": [1, 2], "label": [1], "prediction": [1]}, "2, 1, 1 ids, labels, answers"),
        ({"id": [1], "label": [1], "logits": [1.0, 2.0]}, "logits of shape (2,)"),
        ({"id": [1], "label": [1], "logits": [[np.nan, 2.0]]}, "logits that are no numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, arrays, said):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(BadConfig) as caught:
        read_predictions(tmp_path / "a.npz", "--predictions")
    assert said in str(caught.value)


def test_a_pickle_is_not_opened(tmp_path):
    np.savez(tmp_path / "a.npz", id=np.array([object()]), label=[1], prediction=[1])
    with pytest.raises(BadConfig, match="no npz file of plain arrays"):
        read_predictions(tmp_path / "a.npz", "--predictions")


def test_samples_are_held_together_by_their_id():
    base = answers(*"aabb", labels="aabb")
    turned = Predictions("head", {str(place): "bbaa"[3 - place] for place in (3, 2, 1, 0)}, {}, "", "")
    head = Predictions("head", {id_: base.labels[id_] for id_ in turned.labels}, dict(zip("3210", "baab", strict=True)))
    found = pair(base, head, "--predictions")
    # ids 0 to 3 are answered b, a, a, b: the first and the third are lost
    assert (found.n, found.lost, found.gained, found.same) == (4, 2, 0, 2)
    assert (found.base_right, found.head_right) == (4, 2)


def test_two_wrong_answers_are_no_gain_and_another_wrong_answer_is_no_agreement():
    found = pair(answers(*"bbbc"), answers(*"cbab"), "--predictions")
    assert (found.lost, found.gained, found.same) == (1, 1, 1)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (answers(*"aab", labels="aab"), "id: file has 4 samples, file 3"),
        (answers(*"aabb", labels="abbb"), "label: of 1 samples, such as '1'"),
        (answers(*"aabb", dataset_hash="y"), "dataset_hash: file is of data x, file of y"),
        (Predictions("head", dict.fromkeys("0129", "a"), {}), "id: of 1 samples, such as '3', there is none in head"),
    ],
)
def test_files_of_other_samples_are_refused_with_the_field(head, said):
    with pytest.raises(BadConfig) as caught:
        pair(answers(*"aabb", dataset_hash="x"), head, "--predictions")
    assert said in str(caught.value)


def test_one_file_of_weights_is_known_by_its_hash_and_no_hash_says_nothing():
    sides = [answers(*"aabb", weights_hash=hash_) for hash_ in ("w", "w", "v", "")]
    assert [pair(sides[0], side, "").same_weights for side in sides] == [True, True, False, False]
    assert not pair(sides[3], sides[3], "").same_weights
