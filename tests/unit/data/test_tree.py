"""The interpretation of trees of folders; names alone are enough, so that hundreds of trees take no time."""

import re
import unicodedata
from collections import Counter

import pytest

from explorer.data.names import is_system_name, split_of
from explorer.data.tree import Tree, arrange
from explorer.errors import InputError
from tests.helpers.image_folders import NAMES_ONLY


def tree(text: str, empty: tuple[str, ...] = ()) -> Tree:
    """The interpretation of a tree: ``train/cat*3`` is three images, and a name with a dot is one file."""
    names = []
    for part in text.split("; "):
        place, _star, count = part.partition("*")
        names += [f"{place}/{number}.jpg" for number in range(int(count))] if count else [place]
    return arrange(NAMES_ONLY, names, empty)


def counts(found: Tree) -> dict[str, dict[str, int]]:
    return {
        split: dict(sorted(Counter(found.classes[label] for _name, label in files).items()))
        for split, files in found.splits.items()
    }


CAT_DOG = {"cat": 3, "dog": 4}
PIECE = {"": CAT_DOG}
TWO = {"train": CAT_DOG, "test": {"cat": 1, "dog": 2}}
THREE = {"train": CAT_DOG, "val": {"cat": 2, "dog": 1}, "test": {"cat": 1, "dog": 2}}


def splits(train: str, test: str, val: str = "") -> str:
    parts = [f"{train}/cat*3; {train}/dog*4; {test}/cat*1; {test}/dog*2"]
    return "; ".join([*parts, *([f"{val}/cat*2; {val}/dog*1"] if val else [])])


@pytest.mark.parametrize(
    ("text", "wanted", "notes"),
    [
        (splits("seg_train/seg_train", "seg_test/seg_test") + "; seg_pred/seg_pred*5", TWO, ["seg_pred/ (images: 5)"]),
        (splits("training_set", "test_set"), TWO, []),
        (splits("trainset", "testset", "validset"), THREE, []),
        (splits("My Training Data", "My Test Data", "My Validation Data"), THREE, []),
        (splits("a/b/TRAIN", "a/b/EVAL", "a/b/DEV"), THREE, []),
        (splits("train-images", "test.images", "val images"), THREE, []),
        (splits("训练集", "测试集", "验证集"), THREE, []),
        (splits("data/train/train", "data/test/test", "data/validation_set"), THREE, []),
        (splits("dataset/train/images", "dataset/test/images", "dataset/valid/images"), THREE, []),
        (
            splits("archive/fruits/Training", "archive/fruits/Test")
            + "; archive/fruits/test-multiple*7; archive/papers/a.pdf",
            TWO,
            ["test-multiple/ (images: 7)", "a.pdf (1 in all)"],
        ),
        (
            splits("x/chest/train", "x/chest/test") + "; x/chest/chest/train/cat*3; x/chest/chest/test/cat*1",
            TWO,
            ["chest/ (images: 4)"],
        ),
        (splits("data/train", "data/test") + "; docs/figures*2", TWO, ["docs/figures/0.jpg"]),
        (
            splits("train", "test") + "; train*2; train/extra.txt",
            TWO,
            ["train/0.jpg, train/1.jpg (2 in all)", "extra.txt"],
        ),
        (
            splits("train", "test") + "; train_small/cat*1; train_small/dog*1",
            TWO,
            ["for this split: train_small/ (images: 2)"],
        ),
        (splits("train", "test") + "; sample/cat*1; sample/dog*1", TWO, ["sample/ (images: 2)"]),
        (splits("Train", "Test").replace("Test/cat", "Test/Cat"), TWO, ["Cat → cat"]),
        (
            "train/cat*3; train/dog*4; test*9",
            PIECE,
            ["it has no class folders that give the labels: test/ (images: 9)"],
        ),
        (
            "Train/cat*3; Train/dog*4; Test*9; Meta*2; Train.csv; Test.csv",
            PIECE,
            ["Test/ (images: 9", "Meta/ (images: 2", "Train.csv, Test.csv"],
        ),
        ("train/cat*3; train/dog*4; test/unknown*9", PIECE, ["test/ (images: 9)"]),
        ("train/cat*3; train/dog*4; test/test*9; val/.gitkeep", PIECE, ["test/ (images: 9)"]),
        ("train/cat*3; train/dog*4", PIECE, []),
        ("test/cat*3; test/dog*4", PIECE, []),
        ("pets/raw-img/cat*3; pets/raw-img/dog*4; pets/translate.py", PIECE, ["translate.py"]),
        ("pets/pets/cat*3; pets/pets/dog*4", PIECE, []),
        (
            "cat*3; dog*4; sample/cat*1; sample/dog*1",
            PIECE,
            ["it repeats the class folders next to it: sample/ (images: 2)"],
        ),
        ("cat*3; dog*4; pets/cat*3; pets/dog*4", PIECE, ["pets/ (images: 7)"]),
        ("cat/cat*3; dog*4", PIECE, ["parts of these classes: in cat/"]),
        ("cat/persian*2; cat/siamese*1; dog/poodle*4", PIECE, ["parts of these classes: in cat/, dog/"]),
        (
            "cat*3; dog*4; @eaDir*3; cat/@eaDir*3; dog/Thumbs.db; cat/desktop.ini; .thumbnails/large*4",
            PIECE,
            ["other programs are not used: @eaDir/0.jpg"],
        ),
        (
            "cat*3; dog*4; _thumbs*3; cat/.ipynb_checkpoints*1; $RECYCLE.BIN*1; lost+found*2; __MACOSX/cat/._0.jpg",
            PIECE,
            ["(7 in all)"],
        ),
        ("train*3; train car*2", {"": {"train": 3, "train car": 2}}, []),
        ("train*3; plane*2; test*1", None, ["hold images and no class folders"]),
        (splits("archive/fruits/Training", "fruits/Test"), TWO, []),
        ("images*9; test_images*3", None, ["images/, test_images/ hold images and no class folders"]),
        (
            "train*9; test1*9; sampleSubmission.csv",
            None,
            ["train/, test1/ hold images and no class folders", "not read: sampleSubmission.csv"],
        ),
        ("train*9; labels.csv", None, ["'train' (images: 9)", "not read: labels.csv"]),
        ("images*9; labels.csv", None, ["'images' (images: 9)", "labels.csv"]),
        (
            "train/images*9; train/labels/0.txt; valid/images*2",
            None,
            ["'images' (images: 11)"],
        ),
        ("train.zip; test.zip", None, ["Archives in it are not opened: train.zip, test.zip."]),
        (
            "batch1/cat*3; batch1/dog*3; batch2/cat*3; batch2/dog*3",
            None,
            ["batch1/, batch2/ can't be classes", "cat, dog"],
        ),
        ("batch1/cat*3; batch1*1; batch2/cat*3; batch2*1", None, ["batch1/, batch2/ can't be classes"]),
        (
            "val/cat*3; val/dog*3; test/cat*3; test/dog*3",
            None,
            ["set has val/, test/"],
        ),
        (
            "cat*3; dog*3; birds/emu*2; birds/owl*2",
            None,
            ["images lie directly in cat/, dog/ and one folder deeper in birds/"],
        ),
        ("a/train/cat*3; a/test/cat*1; b/train/cat*3; b/test/cat*1", None, ["several sets with splits: a/, b/"]),
        ("train/cat*3; training/cat*1; test/cat*3", None, ["several folders for the same split: train/, training/"]),
        ("train/cat*3; train/dog*3; test/cat*1; test/emu*1", None, ["the class 'emu'"]),
        ("train/a/cat*3; train/b/cat*3; test/a/cat*1; test/b/cat*1", None, ["train/a/, train/b/ can't be classes"]),
        ("cat*9; notes.txt", None, ["'cat' (images: 9)"]),
    ],
)
def test_trees_as_people_have_them(text: str, wanted: dict[str, dict[str, int]] | None, notes: list[str]) -> None:
    if wanted is None:
        with pytest.raises(InputError, match=r"^set") as caught:
            tree(text)
        messages = [str(caught.value)]
    else:
        found = tree(text)
        assert counts(found) == wanted
        messages = list(found.notes)
        for files in wanted.values():
            assert f"{sum(files.values())}" in found.summary
    for note in notes:
        assert any(note in one for one in messages), messages
    assert len(messages) <= max(len(notes), 1)


def test_summary() -> None:
    found = tree(splits("seg_train/seg_train", "seg_test/seg_test"))
    assert found.summary == (
        "Found 2 classes: cat, dog. Training images: 7, in seg_train/seg_train/. Test images: 3, in seg_test/seg_test/."
    )
    assert tree("cat*1200; dog*34").summary == ("Found 2 classes: cat, dog. All images: 1,234, in the top folder.")


def test_folders_without_images_are_noted() -> None:
    found = tree("cat*3; dog*4", ("emu", ".git/refs", "a/@eaDir"))
    assert found.notes == ("Folders without images: emu/ (1 in all).",)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_that_look_alike_are_one_class(form: str) -> None:
    apart = {kind: unicodedata.normalize(kind, "Äpfel") for kind in ("NFC", "NFD")}
    assert len(set(apart.values())) == 2
    found = tree(f"train/{apart[form]}*3; train/Birne*2; test/{apart['NFC']}*1; test/{apart['NFD']}*2; test/Birne*1")
    assert found.classes == ("Birne", apart["NFC"])
    assert counts(found)["test"] == {"Birne": 1, apart["NFC"]: 3}
    assert found.notes == ()


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", "train Train TRAIN training Training_Set train_set trainset trainSet seg_train train-224 my.train"),
        ("train", "trainval TrainingData fruits360-train train_images 训练集 訓練データ"),
        ("val", "val valid Valid validation VALIDATION_SET val-set valid_images dev cifar_val 验证"),
        ("test", "test Test testing test_set TestSet test1 seg_test eval evaluation testing_data 测试数据"),
        (None, "cat latest contest trainer validity attestation tester trains strain pred train_test_split sample"),
    ],
)
def test_names_of_splits(split: str | None, names: str) -> None:
    for name in names.split():
        assert split_of(name) == split, name


def test_names_of_system_files() -> None:
    left = ".DS_Store Thumbs.db thumbs.db:encryptable desktop.ini __MACOSX @eaDir #recycle $RECYCLE.BIN lost+found"
    left += " .thumbnails thumbnails Thumbs _thumb .@__thumb .ipynb_checkpoints .git RECYCLER __pycache__ ._0.jpg"
    for name in left.split():
        assert is_system_name(name), name
    for name in "cat thumb thumbs_up Thumbelina recycling lost dog.ini system paper".split():
        assert not is_system_name(name), name


def test_every_image_is_used_or_noted() -> None:
    text = splits("train", "test") + "; train/cat/.hidden*1; train*2; spare*5; train_b/cat*4; test1*3; top.jpg"
    found = tree(text)
    used = sum(len(files) for files in found.splits.values())
    noted = sum(int(count) for note in found.notes for count in re.findall(r"\((?:images: )?(\d+)(?: in all)?\)", note))
    assert used + noted == 10 + 1 + 2 + 5 + 4 + 3 + 1
