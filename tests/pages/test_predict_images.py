"""Images on the Predict page: of the gallery, uploaded, photographed, or of a data set."""

import csv
import time
from io import BytesIO, StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.data import examples, load
from explorer.data.dataset import Split
from explorer.data.examples import Examples
from explorer.errors import InputError
from explorer.prediction import caches, gallery, ink, networks, pictures
from explorer.prediction.answers import Answer, ask
from explorer.prediction.caches import Owner
from explorer.ui.predict import several, testsets, uploads
from explorer.ui.train import uploads as train_uploads
from explorer.weights import files as weights
from explorer.weights import registry
from tests.helpers.toys import listed
from tests.pages.helpers import problem
from tests.pages.predict_page import BAD, GOOD, box, keep, open_page, picture, seen, table, upload, words

RESNET = "torchvision:ResNet18_Weights.IMAGENET1K_V1"

pytestmark = pytest.mark.usefixtures("predict_server")


def test_a_picture_that_the_gallery_has_not() -> None:
    app = open_page(image="unicorn")
    assert "image: 'unicorn' is not in the gallery" in words(app)
    assert "Choose an image on the left, and see" in words(app)


def test_test_images_of_a_data_set() -> None:
    test = load("digits").test
    app = open_page(weights="digits-cnn", source="data", index="5")
    assert f"Right: it is **{load('digits').classes[int(test.labels[5])]}**." in words(app)
    # Counted from one, and said to be a number: above a 1, "digits 5" would read as a class.
    assert "Test image 6 of 359" in [one.value for one in app.subheader]
    app = open_page(weights="digits-cnn", source="data")
    assert "1 to 20 of 359, in a mixed order" in words(app)
    assert app.button(key="predict.earlier").disabled
    app.button(key="predict.later").click().run()
    assert "21 to 40 of 359" in words(app)
    box(app, "of").set_value("7").run()
    count = int((load("digits").test.labels == 7).sum())
    assert f"1 to 20 of {count}" in words(app)
    app.button(key="predict.all").click().run()
    rows = table(app)
    assert len(rows) == 20
    assert set(rows["truth"]) == {"7"}
    assert "20 images · 20 of 20 right" in words(app)
    chosen = [int(index) for index in app.query_params["index"].split(".")]
    assert load("digits").test.labels[chosen].unique().tolist() == [7]


def mixed(digit: int | None = None) -> list[int]:
    """Positions of scikit-learn's test digits in the order in which they are shown."""
    test = load("digits").test
    return testsets._of_class(Examples(tuple("0123456789"), test), "" if digit is None else str(digit))


def test_the_first_page_of_test_images_has_all_kinds_and_is_always_the_same() -> None:
    labels = load("digits").test.labels.sort().values  # as data sets are that lie in folders
    sorted_ = Examples(tuple("0123456789"), Split(torch.zeros(len(labels), 1, 1, 1), labels))
    first = testsets._of_class(sorted_, "")
    assert len(set(labels[first[: testsets.PAGE]].tolist())) >= 8
    assert first == testsets._of_class(sorted_, "")
    assert sorted(first) == list(range(len(labels)))


def test_only_images_of_the_page_that_is_seen_are_answered() -> None:
    app = open_page(weights="digits-cnn", source="data")
    app.button(key="predict.all").click().run()
    box(app, "of").set_value("7").run()
    assert "Right: it is **7**." in words(app)
    assert not app.dataframe
    assert app.query_params["of"] == "7"
    assert "index" not in app.query_params
    app.button(key="predict.all").click().run()
    app.button(key="predict.later").click().run()
    assert not app.dataframe
    index = int(app.query_params["index"])
    assert index == mixed(7)[20]
    assert f"Test image {index + 1} of 359" in [one.value for one in app.subheader]
    again = open_page(weights="digits-cnn", source="data", of="7", index=str(index))
    assert "21 to " in words(again)  # the link opens the page of its image
    again.query_params["index"] = str(mixed(7)[0])
    again.run()
    assert "1 to 20 of" in words(again)


def test_images_of_the_link_that_are_not_of_its_class_are_left_out() -> None:
    labels = load("digits").test.labels
    sevens, other = (labels == 7).nonzero()[:2, 0].tolist(), int((labels != 7).nonzero()[0])
    app = open_page(weights="digits-cnn", source="data", of="7", index=f"{sevens[1]}.{other}.{sevens[0]}")
    assert "those of other classes are left out" in words(app)
    assert app.query_params["index"] == f"{sevens[1]}.{sevens[0]}"
    assert set(table(app)["truth"]) == {"7"}


def test_the_table_begins_with_what_is_used_most_and_has_no_empty_columns() -> None:
    app = open_page(weights="digits-cnn", source="data", index="0.1")
    assert list(app.dataframe[0].value) == ["picture", "name", "first", "truth", "probability", "second"]
    app = open_page(weights="mnist-cnn", image="photographer.framed-3", beside="digits-cnn")
    columns = ["picture", "name", "first", "truth", "probability", "other", "other_probability", "note"]
    assert list(app.dataframe[0].value) == columns


def test_an_index_or_data_set_that_is_not_here() -> None:
    app = open_page(weights="digits-cnn", source="data", index="5000")
    assert "The test set has 359 images" in words(app)
    assert "### **" in words(app)
    app = open_page(weights="digits-cnn", source="data", data="cifar10")
    assert "CIFAR-10 is not on this server." in words(app)
    app = open_page(weights="digits-cnn", source="data", data="/etc/passwd")
    assert "/etc/passwd" in words(app)
    assert "is not on this server." in words(app)


def test_a_class_that_the_data_set_has_not_is_said_and_left() -> None:
    app = open_page(weights="digits-cnn", source="data", of="cat")
    assert "The data set has no class cat; you see every class instead." in words(app)
    assert box(app, "of").value == ""
    assert "1 to 20 of 359" in words(app)
    box(app, "of").set_value("3").run()
    assert app.query_params["of"] == "3"
    assert not app.warning


def test_class_and_images_of_one_data_set_are_not_looked_for_in_another(tmp_path: Path) -> None:
    file = BytesIO()
    np.savez(file, images=np.zeros((600, 9, 9), dtype=np.uint8), labels=np.arange(600) % 10)
    name = train_uploads.keep("mine.npz", BytesIO(file.getvalue()), len(file.getvalue()))
    examples.read(str(train_uploads.path(name)))
    keep(tmp_path / "weights/mine.safetensors", data={"name": name})
    keep(tmp_path / "weights/other.safetensors", data={"name": "digits"})
    app = open_page(weights="digits-cnn", source="data", of="3", index="4.17")
    box(app, "weights").set_value("other").run()  # of the same data set: two networks about the same images
    assert (app.query_params["of"], app.query_params["index"]) == ("3", "4.17")
    box(app, "weights").set_value("mine").run()
    assert "1 to 20 of 120" in words(app)
    assert not app.query_params.keys() & {"of", "index"}
    app = open_page(weights="digits-cnn", source="data", of="3", index="4.17.0")  # the last is another digit
    assert app.query_params["index"] == "4.17"
    box(app, "weights").set_value("mine").run()
    assert not app.query_params.keys() & {"of", "index"}
    app = open_page(weights="digits-cnn", source="data")
    app.query_params.update(weights="mine", index="7")
    app.run()
    assert app.query_params["index"] == "7"


def test_images_of_other_classes_are_doubted() -> None:
    app = open_page(weights="resnet20-cifar10", source="data", data="digits", index="3")
    assert "Classes are taken by their position, " in words(app)  # as in the section on test sets


def test_not_sure_and_the_wrong_way_round() -> None:
    app = open_page(weights="mnist-cnn", image="photographer")
    assert "### Not sure: " in words(app)
    assert "No class stands out" in words(app)
    assert "find the ink, or invert the picture" in words(app)
    app.toggle(key="predict.view.invert").set_value(True).run()
    assert app.query_params["invert"] == "true"
    assert "find the ink, or invert the picture" not in words(app)
    assert "Light and dark are inverted." in words(app)


def test_a_switch_holds_for_the_image_that_is_open() -> None:
    app = open_page(weights="mnist-cnn", image="photographer", invert="true", ink="true")
    assert (app.toggle(key="predict.view.invert").value, app.toggle(key="predict.view.ink").value) == (True, True)
    app.query_params.clear()
    app.query_params.update(weights="mnist-cnn", image="framed-3")  # as the gallery's pictures are chosen
    app.run()
    assert not app.toggle(key="predict.view.invert").value
    assert "### **3**" in words(app)
    app.segmented_control(key="predict.source").set_value("upload").run()
    app = upload(app, {"one.png": picture(mode="L")})
    app.toggle(key="predict.view.invert").set_value(True).run()
    assert "Light and dark are inverted." in words(app)
    files = {"one.png": picture(mode="L"), "two.png": picture(mode="L", size=(50, 30))}
    app = upload(app, files)
    assert "two\\.png" in [one.value for one in app.subheader]  # a second upload is shown
    assert ["inverted" in note for note in table(app)["note"]] == [True, False]
    assert not app.toggle(key="predict.view.invert").value
    assert "Light and dark are inverted." not in words(app)


def test_the_ink_of_a_photograph_on_one_click() -> None:
    test = load("digits").test
    assert isinstance(test.images, torch.Tensor)
    digit = test.images[test.labels == 3][0, 0].numpy()
    paper = np.full((300, 400), 150, dtype=np.uint8)
    paper[30:190, 200:360] = 150 - 0.4 * np.asarray(Image.fromarray(digit).resize((160, 160)))
    file = BytesIO()
    Image.fromarray(paper).save(file, "PNG")
    app = upload(open_page(weights="mnist-cnn", source="upload"), {"digit.png": file.getvalue()})
    assert "Light and dark are the other way round" in words(app)
    app.button(key="predict.find.first").click().run()
    assert "### **3**" in words(app)
    assert "Dark strokes found on" in words(app)
    assert "the ink alone" in seen(app)
    assert "The picture, 400 × 300 pixels" in seen(app)  # before, and after
    assert not app.warning


def test_a_network_opens_on_a_data_set_that_has_its_classes(tmp_path: Path) -> None:
    keep(tmp_path / "weights/mine.safetensors", classes=tuple("abcdefghij"), data={"name": "letters.npz"})
    app = open_page(weights="mine", source="data")
    assert "No data set on this server has the classes of this network." in words(app)
    assert box(app, "data").value is None
    file = BytesIO()
    letters = np.array(list("abcdefghij"))
    np.savez(file, images=np.zeros((60, 9, 9), dtype=np.uint8), labels=np.arange(60) % 10, classes=letters)
    name = train_uploads.keep("another-name.npz", BytesIO(file.getvalue()), len(file.getvalue()))
    examples.read(str(train_uploads.path(name)))
    known = examples.load_cached(str(train_uploads.path(name)))
    assert known is not None
    keep(tmp_path / "weights/mine.safetensors", classes=tuple(known.classes), data={"name": "letters.npz"})
    assert box(open_page(weights="mine", source="data"), "data").value == f"uploaded:{name}"


def test_before_a_file_is_given() -> None:
    assert "Upload an image on the left, and see" in words(open_page(source="upload"))


def test_one_upload() -> None:
    app = upload(open_page(source="upload"), {"photograph.png": picture()})
    assert "The picture, 40 × 30 pixels" in seen(app)
    assert "photograph.png" in words(app)
    assert not app.dataframe
    assert app.query_params == {"source": "upload"}


def test_whatever_pillow_reads_is_answered_and_the_rest_named() -> None:
    files = {name: make() for name, make in GOOD.items()} | {name: make() for name, (make, _said) in BAD.items()}
    app = upload(open_page(source="upload"), files)
    rows = table(app)
    assert len(rows) == len(files)
    for name in GOOD:
        row = rows.loc[uploads.named(name)]
        assert row["first"] in weights.read_card(registry.PRETRAINED / "resnet20-cifar10.safetensors").classes
    for name, (_make, said) in BAD.items():
        row = rows.loc[name]
        assert said in row["note"]
        assert row["note"].startswith(name)
        assert not isinstance(row["first"], str)
        assert not isinstance(row["picture"], str)
    assert f"{len(files)} images · {len(BAD)} can't be read" in words(app)
    assert "Traceback" not in words(app)


def test_the_first_frame_of_an_animation_and_a_picture_upright() -> None:
    app = upload(open_page(source="upload"), {"turned.jpg": GOOD["turned.jpg"]()})
    assert "The picture, 30 × 40 pixels" in seen(app)
    app = upload(open_page(source="upload"), {"animated.gif": GOOD["animated.gif"]()})
    assert "The first frame of the picture, 40 × 30 pixels" in seen(app)


def test_names_are_shown_as_they_are() -> None:
    name = "**bold** [link](https://example.org) :red[x] $x$ <b>.png"
    app = upload(open_page(source="upload"), {name: picture()})
    (heading,) = [one.value for one in app.subheader]
    assert heading.replace("\\", "") == name
    assert "**" not in heading.replace("\\*", "")
    assert "<b>" not in seen(app)


def test_one_bad_file_alone_says_why() -> None:
    app = upload(open_page(source="upload"), {"letter.png": b"Dear Sir"})
    assert "letter.png is not an image that can be read" in problem(app)


def test_the_same_file_twice() -> None:
    app = open_page(source="upload")
    app.file_uploader[0].set_value([("a.png", picture(), "image/png")] * 2).run()
    rows = table(app)
    assert len(rows) == 2
    assert rows["probability"].nunique() == 1


def test_hundreds_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = upload(open_page(source="upload"), {f"{place}.png": picture(size=(8, 8)) for place in range(130)})
    assert len(table(app)) == 100
    assert "100 of 130 images are looked at" in words(app)
    assert "100.png" in words(app)
    monkeypatch.setattr(uploads, "MAX_ALL", 3 * len(picture()) + 1)
    app = upload(open_page(source="upload"), {f"{place}.png": picture() for place in range(5)})
    assert len(table(app)) == 3
    assert "3 of 5 images are looked at" in words(app)


def test_a_file_that_is_too_large_is_refused_by_the_server_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "owner", Owner)
    file = SimpleNamespace(name="larger.bmp", size=53_000_000, file_id="1", getvalue=lambda: pytest.fail("read"))
    with pytest.raises(InputError, match=r"larger\.bmp has 53\.00 MB; 50 MB are the most"):
        uploads.picture(file).network_input(weights.read_card(registry.PRETRAINED / "digits-cnn.safetensors"))


def test_what_a_session_uploads_is_its_own_whatever_id_the_client_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is dropped with the session, also what is computed after its end."""
    net = networks.network(listed("digits-cnn"))
    mine, other = Owner(), Owner()
    told: dict[Owner, pictures.Picture] = {}
    for whose, size in ((mine, (9, 9)), (other, (30, 30))):
        monkeypatch.setattr(uploads, "owner", lambda whose=whose: whose)
        data = picture(mode="L", size=size)
        file = SimpleNamespace(name="a.png", size=len(data), file_id="the same", getvalue=lambda data=data: data)
        told[whose] = uploads.picture(file)
        list(ask(net, [told[whose], ink.strokes_only(told[whose], net.card)], lambda _ahead: None))
    assert (told[mine].size, told[other].size) == ((9, 9), (30, 30))

    def kept(owner: Owner) -> int:
        return sum(owner in caches._owners(key) for cache in caches._caches for key in cache)

    assert kept(mine) > 3
    caches.drop(mine)
    assert (kept(mine), kept(other) > 3) == (0, True)
    list(ask(net, [told[mine]], lambda _ahead: None))
    assert kept(mine) == 0


def test_nothing_large_stays_in_the_session() -> None:
    app = upload(open_page(source="upload"), {f"{place}.png": picture(size=(200, 200)) for place in range(3)})
    for key in app.session_state._state.filtered_state:
        if key != "predict.files":  # Streamlit's own, which the browser can take away
            assert len(repr(app.session_state[key])) < 5000


def test_a_row_is_opened_and_the_csv_has_every_guess() -> None:
    app = open_page(image="cat.horse", beside="vgg16-cifar10")
    rows = table(app)
    assert list(rows["first"]) == ["cat", "horse"]
    assert list(rows["other"]) == ["cat", "horse"]
    assert "the networks agree on 2 of 2" in words(app)
    lines = list(csv.DictReader(StringIO(several.as_csv(answered("cat", "horse"), 3))))
    assert [line["rank"] for line in lines] == ["1", "2", "3"] * 2
    assert lines[0]["class"] == "cat"
    assert float(lines[0]["probability"]) == pytest.approx(0.9737, abs=1e-3)
    assert lines[3]["image"] == "Horse, a silhouette"


def answered(*names: str) -> list[list[Answer]]:
    network = networks.network(listed("resnet20-cifar10"))
    return [[one] for one in ask(network, [gallery.picture(name) for name in names], lambda _ahead: None)]


def test_an_unreadable_picture_has_a_line_of_its_own_in_the_csv() -> None:
    network = networks.network(listed("resnet20-cifar10"))
    bad = Answer(pictures.Picture.of_file("a,b\n.png", 1, b""), network, error="it is empty")
    (line,) = csv.DictReader(StringIO(several.as_csv([[bad]], 5)))
    assert (line["image"], line["rank"], line["error"]) == ("a,b\n.png", "", "it is empty")


def test_the_camera() -> None:
    app = open_page(source="camera")
    assert "No camera, or it is not allowed here?" in words(app)
    app.camera_input[0].set_value(("shot.jpg", picture("JPEG"), "image/jpeg")).run()
    assert "The picture, 40 × 30 pixels" in seen(app)


def test_test_images_of_an_upload(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    file = BytesIO()
    np.savez(file, images=dice.integers(0, 256, (60, 9, 9), dtype=np.uint8), labels=np.arange(60) % 3)
    name = train_uploads.keep("mine.npz", BytesIO(file.getvalue()), len(file.getvalue()))
    app = open_page(weights="digits-cnn", source="data", data=f"uploaded:{name}")
    while not testsets._looking.ask(f"uploaded:{name}").ended:
        time.sleep(0.01)
    app.run()
    assert not testsets._looking._futures
    assert "1 to 12 of 12" in words(app)
    assert box(app, "of").options == ["Every class", "0", "1", "2"]
    keep(tmp_path / "weights/mine.safetensors", data={"name": name})
    app = open_page(weights="mine")
    assert app.segmented_control(key="predict.source").value == "data"
    assert box(app, "data").value == f"uploaded:{name}"
