"""Images on the Predict page: gallery, uploads, camera and data sets."""

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
from explorer.data import uploads as train_uploads
from explorer.data.dataset import Split
from explorer.data.examples import Examples
from explorer.errors import InputError
from explorer.prediction import caches, gallery, ink, networks, pictures
from explorer.prediction.answers import Answer, ask
from explorer.prediction.caches import Owner
from explorer.ui.predict import answer_table, testsets, uploads
from explorer.weights import files as weights
from explorer.weights import registry
from tests.helpers.toys import registry_entry
from tests.pages.helpers import problem
from tests.pages.predict_page import BROKEN, READABLE, box, html, open_page, picture, save_weights, table, upload, words

RESNET = "torchvision:ResNet18_Weights.IMAGENET1K_V1"

pytestmark = pytest.mark.usefixtures("predict_server")


def test_a_picture_that_is_not_in_the_gallery() -> None:
    app = open_page(image="unicorn")
    assert "'unicorn'" in words(app)
    assert "Choose an image on the left, and see" in words(app)


def test_test_images_of_a_data_set() -> None:
    test = load("digits").test
    app = open_page(weights="digits-cnn", source="data", index="5")
    assert f"Right: it is **{load('digits').classes[int(test.labels[5])]}**." in words(app)
    # A number, because "digits 5" above a 1 would read like the class.
    assert "Test image 6 of 359" in [one.value for one in app.subheader]
    app = open_page(weights="digits-cnn", source="data")
    assert "1 to 20 of 359, in a random order" in words(app)
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


def shown_order(digit: int | None = None) -> list[int]:
    """Indices of scikit-learn's test digits in the order of the page."""
    test = load("digits").test
    return testsets._indices_of_class(Examples(tuple("0123456789"), test), "" if digit is None else str(digit))


def test_the_first_page_mixes_the_classes_and_is_always_the_same() -> None:
    labels = load("digits").test.labels.sort().values  # like data sets in folders
    sorted_ = Examples(tuple("0123456789"), Split(torch.zeros(len(labels), 1, 1, 1), labels))
    first = testsets._indices_of_class(sorted_, "")
    assert len(set(labels[first[: testsets.PAGE_SIZE]].tolist())) >= 8
    assert first == testsets._indices_of_class(sorted_, "")
    assert sorted(first) == list(range(len(labels)))


def test_only_images_of_the_visible_page_are_classified() -> None:
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
    assert index == shown_order(7)[20]
    assert f"Test image {index + 1} of 359" in [one.value for one in app.subheader]
    again = open_page(weights="digits-cnn", source="data", of="7", index=str(index))
    assert "21 to " in words(again)  # the page with the link's image
    again.query_params["index"] = str(shown_order(7)[0])
    again.run()
    assert "1 to 20 of" in words(again)


def test_images_of_another_class_than_the_links_are_left_out() -> None:
    labels = load("digits").test.labels
    sevens, other = (labels == 7).nonzero()[:2, 0].tolist(), int((labels != 7).nonzero()[0])
    app = open_page(weights="digits-cnn", source="data", of="7", index=f"{sevens[1]}.{other}.{sevens[0]}")
    assert "those of other classes are left out" in words(app)
    assert app.query_params["index"] == f"{sevens[1]}.{sevens[0]}"
    assert set(table(app)["truth"]) == {"7"}


def test_the_columns_of_the_table() -> None:
    app = open_page(weights="digits-cnn", source="data", index="0.1")
    assert list(app.dataframe[0].value) == ["picture", "name", "first", "truth", "probability", "second"]
    app = open_page(weights="mnist-cnn", image="photographer.framed-3", beside="digits-cnn")
    columns = ["picture", "name", "first", "truth", "probability", "other", "other_probability", "note"]
    assert list(app.dataframe[0].value) == columns


def test_a_missing_index_or_data_set() -> None:
    app = open_page(weights="digits-cnn", source="data", index="5000")
    assert "The test set has 359 images" in words(app)
    assert "### **" in words(app)
    app = open_page(weights="digits-cnn", source="data", data="cifar10")
    assert "CIFAR-10 is not on this server." in words(app)
    app = open_page(weights="digits-cnn", source="data", data="/etc/passwd")
    assert "/etc/passwd" in words(app)
    assert "is not on this server." in words(app)


def test_a_missing_class_of_the_link_is_reset() -> None:
    app = open_page(weights="digits-cnn", source="data", of="cat")
    assert "The data set has no class cat; you see every class instead." in words(app)
    assert box(app, "of").value == ""
    assert "1 to 20 of 359" in words(app)
    box(app, "of").set_value("3").run()
    assert app.query_params["of"] == "3"
    assert not app.warning


def test_class_and_images_are_reset_with_the_data_set(tmp_path: Path) -> None:
    file = BytesIO()
    np.savez(file, images=np.zeros((600, 9, 9), dtype=np.uint8), labels=np.arange(600) % 10)
    name = train_uploads.save("mine.npz", BytesIO(file.getvalue()), len(file.getvalue()))
    examples.read(str(train_uploads.path(name)))
    save_weights(tmp_path / "weights/mine.safetensors", data={"name": name})
    save_weights(tmp_path / "weights/other.safetensors", data={"name": "digits"})
    app = open_page(weights="digits-cnn", source="data", of="3", index="4.17")
    box(app, "weights").set_value("other").run()  # the same data set, so the images stay
    assert (app.query_params["of"], app.query_params["index"]) == ("3", "4.17")
    box(app, "weights").set_value("mine").run()
    assert "1 to 20 of 120" in words(app)
    assert not app.query_params.keys() & {"of", "index"}
    app = open_page(weights="digits-cnn", source="data", of="3", index="4.17.0")  # the last image is another digit
    assert app.query_params["index"] == "4.17"
    box(app, "weights").set_value("mine").run()
    assert not app.query_params.keys() & {"of", "index"}
    app = open_page(weights="digits-cnn", source="data")
    app.query_params.update(weights="mine", index="7")
    app.run()
    assert app.query_params["index"] == "7"


def test_images_of_other_classes_have_a_warning() -> None:
    app = open_page(weights="resnet20-cifar10", source="data", data="digits", index="3")
    assert "Classes are matched by their position, " in words(app)


def test_not_sure_and_inverted() -> None:
    app = open_page(weights="mnist-cnn", image="photographer")
    assert "### Not sure: " in words(app)
    assert "No class stands out" in words(app)
    assert "find the ink, or invert the picture" in words(app)
    app.toggle(key="predict.view.invert").set_value(True).run()
    assert app.query_params["invert"] == "true"
    assert "find the ink, or invert the picture" not in words(app)
    assert "Light and dark are inverted." in words(app)


def test_a_switch_applies_to_the_selected_image() -> None:
    app = open_page(weights="mnist-cnn", image="photographer", invert="true", ink="true")
    assert (app.toggle(key="predict.view.invert").value, app.toggle(key="predict.view.ink").value) == (True, True)
    app.query_params.clear()
    app.query_params.update(weights="mnist-cnn", image="framed-3")  # like a choice in the gallery
    app.run()
    assert not app.toggle(key="predict.view.invert").value
    assert "### **3**" in words(app)
    app.segmented_control(key="predict.source").set_value("upload").run()
    app = upload(app, {"one.png": picture(mode="L")})
    app.toggle(key="predict.view.invert").set_value(True).run()
    assert "inverted." in words(app)
    files = {"one.png": picture(mode="L"), "two.png": picture(mode="L", size=(50, 30))}
    app = upload(app, files)
    assert "two\\.png" in [one.value for one in app.subheader]  # the new upload is selected
    assert ["inverted" in note for note in table(app)["note"]] == [True, False]
    assert not app.toggle(key="predict.view.invert").value
    assert "inverted." not in words(app)


def test_find_the_ink_with_one_click() -> None:
    test = load("digits").test
    assert isinstance(test.images, torch.Tensor)
    digit = test.images[test.labels == 3][0, 0].numpy()
    paper = np.full((300, 400), 150, dtype=np.uint8)
    paper[30:190, 200:360] = 150 - 0.4 * np.asarray(Image.fromarray(digit).resize((160, 160)))
    file = BytesIO()
    Image.fromarray(paper).save(file, "PNG")
    app = upload(open_page(weights="mnist-cnn", source="upload"), {"digit.png": file.getvalue()})
    assert "Light and dark are swapped" in words(app)
    app.button(key="predict.find.first").click().run()
    assert "### **3**" in words(app)
    assert "Dark strokes found on" in words(app)
    assert "only the ink" in html(app)
    assert "The picture, 400 × 300 pixels" in html(app)  # the original is shown, too
    assert not app.warning


def test_a_network_opens_with_a_data_set_of_its_classes(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights/mine.safetensors", classes=tuple("abcdefghij"), data={"name": "letters.npz"})
    app = open_page(weights="mine", source="data")
    assert "No data set on this server has the classes of this network." in words(app)
    assert box(app, "data").value is None
    file = BytesIO()
    letters = np.array(list("abcdefghij"))
    np.savez(file, images=np.zeros((60, 9, 9), dtype=np.uint8), labels=np.arange(60) % 10, classes=letters)
    name = train_uploads.save("another-name.npz", BytesIO(file.getvalue()), len(file.getvalue()))
    examples.read(str(train_uploads.path(name)))
    loaded = examples.load_cached(str(train_uploads.path(name)))
    assert loaded is not None
    save_weights(tmp_path / "weights/mine.safetensors", classes=tuple(loaded.classes), data={"name": "letters.npz"})
    assert box(open_page(weights="mine", source="data"), "data").value == f"uploaded:{name}"


def test_before_an_upload() -> None:
    assert "Upload an image on the left, and see" in words(open_page(source="upload"))


def test_one_upload() -> None:
    app = upload(open_page(source="upload"), {"photograph.png": picture()})
    assert "The picture, 40 × 30 pixels" in html(app)
    assert "photograph.png" in words(app)
    assert not app.dataframe
    assert app.query_params == {"source": "upload"}


def test_all_readable_files_are_classified_and_the_others_named() -> None:
    files = {name: make() for name, make in READABLE.items()}
    files |= {name: make() for name, (make, _message) in BROKEN.items()}
    app = upload(open_page(source="upload"), files)
    rows = table(app)
    assert len(rows) == len(files)
    for name in READABLE:
        row = rows.loc[uploads.short_name(name)]
        assert row["first"] in weights.read_card(registry.PRETRAINED / "resnet20-cifar10.safetensors").classes
    for name, (_make, message) in BROKEN.items():
        row = rows.loc[name]
        assert message in row["note"]
        assert row["note"].startswith(name)
        assert not isinstance(row["first"], str)
        assert not isinstance(row["picture"], str)
    assert f"{len(files)} images · {len(BROKEN)} can't be read" in words(app)
    assert "Traceback" not in words(app)


def test_first_frame_and_orientation() -> None:
    app = upload(open_page(source="upload"), {"rotated.jpg": READABLE["rotated.jpg"]()})
    assert "The picture, 30 × 40 pixels" in html(app)
    app = upload(open_page(source="upload"), {"animated.gif": READABLE["animated.gif"]()})
    assert "The first frame of the picture, 40 × 30 pixels" in html(app)


def test_names_are_escaped() -> None:
    name = "**bold** [link](https://example.org) :red[x] $x$ <b>.png"
    app = upload(open_page(source="upload"), {name: picture()})
    heading = app.subheader[0].value
    assert heading.replace("\\", "") == name
    assert "**" not in heading.replace("\\*", "")
    assert "<b>" not in html(app)


def test_a_single_unreadable_file_shows_its_error() -> None:
    app = upload(open_page(source="upload"), {"letter.png": b"Dear Sir"})
    assert problem(app).startswith("letter.png ")


def test_the_same_file_twice() -> None:
    app = open_page(source="upload")
    app.file_uploader[0].set_value([("a.png", picture(), "image/png")] * 2).run()
    rows = table(app)
    assert len(rows) == 2
    assert rows["probability"].nunique() == 1


def test_too_many_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    app = upload(open_page(source="upload"), {f"{place}.png": picture(size=(8, 8)) for place in range(130)})
    assert len(table(app)) == 100
    assert "100 of 130 images are used" in words(app)
    assert "100.png" in words(app)
    monkeypatch.setattr(uploads, "MAX_ALL", 3 * len(picture()) + 1)
    app = upload(open_page(source="upload"), {f"{place}.png": picture() for place in range(5)})
    assert len(table(app)) == 3
    assert "3 of 5 images are used" in words(app)


def test_a_too_large_file_is_refused_without_reading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "owner", Owner)
    file = SimpleNamespace(name="larger.bmp", size=53_000_000, file_id="1", getvalue=lambda: pytest.fail("read"))
    with pytest.raises(InputError, match=r"larger\.bmp has 53\.00 MB; at most 50 MB are allowed"):
        uploads.picture(file).network_input(weights.read_card(registry.PRETRAINED / "digits-cnn.safetensors"))


def test_an_upload_belongs_to_its_session_for_any_client_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cached values are dropped with the session, also those that are computed after its end."""
    net = networks.network(registry_entry("digits-cnn"))
    mine, other = Owner(), Owner()
    pictures_of: dict[Owner, pictures.Picture] = {}
    for owner, size in ((mine, (9, 9)), (other, (30, 30))):
        monkeypatch.setattr(uploads, "owner", lambda owner=owner: owner)
        data = picture(mode="L", size=size)
        file = SimpleNamespace(name="a.png", size=len(data), file_id="the same", getvalue=lambda data=data: data)
        pictures_of[owner] = uploads.picture(file)
        list(ask(net, [pictures_of[owner], ink.strokes_only(pictures_of[owner], net.card)], lambda _ahead: None))
    assert (pictures_of[mine].size, pictures_of[other].size) == ((9, 9), (30, 30))

    def cached_values(owner: Owner) -> int:
        return sum(owner in caches._owners(key) for cache in caches._caches for key in cache)

    assert cached_values(mine) > 3
    caches.drop(mine)
    assert (cached_values(mine), cached_values(other) > 3) == (0, True)
    list(ask(net, [pictures_of[mine]], lambda _ahead: None))
    assert cached_values(mine) == 0


def test_the_session_state_stays_small() -> None:
    app = upload(open_page(source="upload"), {f"{place}.png": picture(size=(200, 200)) for place in range(3)})
    for key in app.session_state._state.filtered_state:
        if key != "predict.files":  # Streamlit's own; the browser can delete it
            assert len(repr(app.session_state[key])) < 5000


def test_the_table_and_its_csv() -> None:
    app = open_page(image="cat.horse", beside="vgg16-cifar10")
    rows = table(app)
    assert list(rows["first"]) == ["cat", "horse"]
    assert list(rows["other"]) == ["cat", "horse"]
    assert "the networks agree on 2 of 2" in words(app)
    lines = list(csv.DictReader(StringIO(answer_table.as_csv(answered("cat", "horse"), 3))))
    assert [line["rank"] for line in lines] == ["1", "2", "3"] * 2
    assert lines[0]["class"] == "cat"
    assert float(lines[0]["probability"]) == pytest.approx(0.9737, abs=1e-3)
    assert lines[3]["image"] == "Horse, a silhouette"


def answered(*names: str) -> list[list[Answer]]:
    network = networks.network(registry_entry("resnet20-cifar10"))
    return [[one] for one in ask(network, [gallery.picture(name) for name in names], lambda _ahead: None)]


def test_an_unreadable_picture_has_a_line_in_the_csv() -> None:
    network = networks.network(registry_entry("resnet20-cifar10"))
    bad = Answer(pictures.Picture.of_file("a,b\n.png", 1, b""), network, error="it is empty")
    (line,) = csv.DictReader(StringIO(answer_table.as_csv([[bad]], 5)))
    assert (line["image"], line["rank"], line["error"]) == ("a,b\n.png", "", "it is empty")


def test_the_camera() -> None:
    app = open_page(source="camera")
    assert "No camera, or it is not allowed here?" in words(app)
    app.camera_input[0].set_value(("shot.jpg", picture("JPEG"), "image/jpeg")).run()
    assert "The picture, 40 × 30 pixels" in html(app)


def test_test_images_of_an_upload(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    file = BytesIO()
    np.savez(file, images=random.integers(0, 256, (60, 9, 9), dtype=np.uint8), labels=np.arange(60) % 3)
    name = train_uploads.save("mine.npz", BytesIO(file.getvalue()), len(file.getvalue()))
    app = open_page(weights="digits-cnn", source="data", data=f"uploaded:{name}")
    while not testsets._loads.request(f"uploaded:{name}").is_finished:
        time.sleep(0.01)
    app.run()
    assert not testsets._loads._futures
    assert "1 to 12 of 12" in words(app)
    assert box(app, "of").options == ["Every class", "0", "1", "2"]
    save_weights(tmp_path / "weights/mine.safetensors", data={"name": name})
    app = open_page(weights="mine")
    assert app.segmented_control(key="predict.source").value == "data"
    assert box(app, "data").value == f"uploaded:{name}"
