"""Encoded images to pixels, against Pillow, numpy and the pixels that were written."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from explorer.data.decode import MAX_PIXELS, MAX_SIDE, decode, has_more_frames
from explorer.data.formats import FORMATS, IN_WORDS, SUFFIXES
from explorer.errors import InputError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(data: bytes, channels: int | None = None) -> np.ndarray:
    tensor = decode(data, "x", channels)
    assert tensor.dtype == torch.uint8
    assert tensor.is_contiguous()
    return tensor.numpy()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_grey_and_colour_without_loss(kind: str) -> None:
    assert (read(encoded(Image.fromarray(GREY), kind)) == GREY).all()
    assert (read(encoded(Image.fromarray(COLOUR), kind)) == COLOUR.transpose(2, 0, 1)).all()


def test_gif() -> None:
    assert (read(encoded(Image.fromarray(GREY), "GIF"), 1) == GREY).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "HEIF"])
def test_lossy_formats_read_as_pillow_reads_them(kind: str) -> None:
    data = encoded(Image.fromarray(COLOUR), kind)
    assert (read(data) == np.asarray(Image.open(BytesIO(data))).transpose(2, 0, 1)).all()


def test_channels_can_be_chosen() -> None:
    grey, colour = encoded(Image.fromarray(GREY)), encoded(Image.fromarray(COLOUR))
    assert (read(grey, 3) == np.stack([GREY] * 3)).all()
    luma = COLOUR @ [0.299, 0.587, 0.114]  # ITU-R 601
    assert read(colour, 1).shape == (1, 5, 7)
    assert np.abs(read(colour, 1)[0] - luma).max() <= 1


def test_one_bit() -> None:
    bits = GREY > 127
    assert (read(encoded(Image.fromarray(bits))) == 255 * bits).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled(kind: str) -> None:
    deep = GREY.astype(np.uint16) * 257
    assert (read(encoded(Image.fromarray(deep), kind)) == GREY).all()
    odd = RNG.integers(0, 2**16, (5, 7)).astype(np.uint16)
    assert (read(encoded(Image.fromarray(odd), kind)) == np.rint(odd / 257)).all()


def test_thirty_two_bits() -> None:
    deep = GREY.astype(np.int32) * 257
    assert (read(encoded(Image.fromarray(deep), "TIFF")) == GREY).all()
    with pytest.raises(InputError, match=r"x has grey values from \d+ to 70000; only 8 or 16 bits"):
        read(encoded(Image.fromarray(np.maximum(deep, 70_000)), "TIFF"))
    with pytest.raises(InputError, match=r"x has grey values from -1 to \d+"):
        read(encoded(Image.fromarray(np.where(deep > 30_000, deep, -1)), "TIFF"))


def test_a_palette_becomes_its_colours() -> None:
    image = Image.fromarray(COLOUR).quantize(8)
    assert (read(encoded(image)) == np.asarray(image.convert("RGB")).transpose(2, 0, 1)).all()


def test_transparent_parts_are_composed_over_white() -> None:
    alpha = RNG.integers(0, 256, (5, 7, 1), dtype=np.uint8)
    over = (COLOUR * (alpha / 255.0) + 255 * (1 - alpha / 255.0)).transpose(2, 0, 1)
    found = read(encoded(Image.fromarray(np.concatenate([COLOUR, alpha], 2))))
    assert np.abs(found - over).max() <= 1
    found = read(encoded(Image.fromarray(np.stack([GREY, alpha[..., 0]], 2), "LA")))
    assert found.shape == (1, 5, 7)
    assert np.abs(found[0] - (GREY * (alpha[..., 0] / 255.0) + 255 - alpha[..., 0])).max() <= 1


def test_a_transparent_palette_entry_is_white() -> None:
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    assert read(encoded(image, transparency=1)).transpose(1, 2, 0).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_a_transparent_grey_is_white_and_stays_grey() -> None:
    data = encoded(Image.fromarray(np.array([[0, 9]], dtype=np.uint8)), transparency=9)
    assert read(data).tolist() == [[[0, 255]]]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind: str) -> None:
    flat = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow make red
    red, green, blue = read(encoded(flat, kind)).reshape(3, -1).mean(1)
    assert red > 230
    assert max(green, blue) < 25


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, COLOUR),
        (2, COLOUR[:, ::-1]),
        (3, COLOUR[::-1, ::-1]),
        (4, COLOUR[::-1]),
        (5, COLOUR.transpose(1, 0, 2)),
        (6, np.rot90(COLOUR, -1)),
        (7, np.rot90(COLOUR, 2).transpose(1, 0, 2)),
        (8, np.rot90(COLOUR)),
    ],
)
def test_exif_rotates_the_image_upright(orientation: int, upright: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(COLOUR), exif=exif)
    assert (read(data) == upright.transpose(2, 0, 1)).all()


def test_the_first_of_several_frames_is_decoded() -> None:
    frames = [Image.new("RGB", (4, 4), name) for name in ("red", "blue")]
    found = read(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert found[:, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF", "HEIF"])
def test_half_a_file_is_broken(kind: str) -> None:
    data = encoded(Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)), kind)
    with pytest.raises(InputError, match=r"^cat/1.jpg is "):
        decode(data[: len(data) // 2], "cat/1.jpg")


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n"])
def test_files_that_are_no_images(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^x is "):
        decode(data, "x")


def test_formats_that_run_programs_are_not_tried() -> None:
    with pytest.raises(InputError, match="is not an image"):
        decode(encoded(Image.fromarray(COLOUR), "EPS"), "x")


def header_of(width: int, height: int) -> bytes:
    """A PNG that declares a size and has almost no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [8_193, 9_500, 60_000])  # above our cap, Pillow's warning, Pillow's refusal
def test_huge_images_are_refused_before_they_are_decoded(side: int) -> None:
    with pytest.raises(InputError, match=rf"^x has .*{MAX_PIXELS}"):
        decode(header_of(side, side), "x")


DAMAGED = [encoded(Image.fromarray(COLOUR), kind) for kind in FORMATS] + [
    encoded(Image.fromarray(GREY.astype(np.uint16))),
    encoded(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"),
]


@pytest.mark.filterwarnings("ignore")
@given(st.sampled_from(DAMAGED), st.data())
def test_any_damage_is_an_image_or_words(data: bytes, draw: st.DataObject) -> None:
    changed = bytearray(data)
    for _change in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    end = draw.draw(st.integers(0, len(data)))
    try:
        found = decode(bytes(changed[:end]), "x")
    except InputError as error:
        assert str(error).startswith("x ")
        assert "\n" not in str(error)
    else:
        assert found.ndim == 3
        assert len(found) in (1, 3)


def test_floats_have_no_known_white() -> None:
    with pytest.raises(InputError, match=r"^x holds floats; only 8 or 16 bits per pixel can be read"):
        read(encoded(Image.fromarray(GREY / np.float32(255)), "TIFF"))


@pytest.mark.parametrize("size", [(MAX_SIDE + 1, 1), (1, MAX_SIDE + 1)])
def test_a_side_that_no_resize_can_take(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=rf"^x: .* {MAX_SIDE} per side are allowed"):
        read(encoded(Image.new("L", size)))


def test_heif_is_decoded() -> None:
    flat = np.full((32, 48, 3), (200, 60, 30), np.uint8)
    found = read(encoded(Image.fromarray(flat), "HEIF", quality=95))
    assert found.shape == (3, 32, 48)
    assert np.abs(found.mean((1, 2)) - (200, 60, 30)).max() < 4
    assert read(encoded(Image.fromarray(GREY), "HEIF")).shape[0] == 1


def test_the_list_of_formats_is_one_for_names_words_and_files() -> None:
    Image.init()
    ours = {Image.registered_extensions().get(suffix) for suffix in SUFFIXES - {".pjpeg", ".pjp"}}
    assert ours == set(FORMATS)
    words = {word.upper().replace("HEIC", "HEIF") for word in IN_WORDS.split(", ")}
    assert words == set(FORMATS)


def bmp_of_runs(pixels: bytes) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(pixels), 0, 0, 1078) + head + bytes(1024) + pixels


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"P5 4 4 200\n" + bytes(16), "is a PPM whose white is 200"),
        (b"P6 4 4 65535\n" + bytes(96), "is a PPM whose white is 65535"),
        (b"P2 4 4 255\n" + b"7 " * 16, "has its pixels as text"),
        (b"P1 4 4\n" + b"1" * 16, "has its pixels as text"),
        (b"P3 4 4 255\n" + b"7 " * 48, "has its pixels as text"),
        (bmp_of_runs(b"\4\7\0\0" * 4 + b"\0\1"), "is a BMP with run lengths"),
    ],
)
def test_what_pillow_decodes_in_python_is_not_decoded(data: bytes, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def decode_in_python(*_arguments: object) -> None:
        raise AssertionError("others would wait for this")

    assert Image.open(BytesIO(data)).tobytes()  # a valid image; Pillow takes seconds for millions of such pixels
    for decoder in Image.DECODERS.values():
        assert issubclass(decoder, ImageFile.PyDecoder)
        monkeypatch.setattr(decoder, "decode", decode_in_python)
    with pytest.raises(InputError, match=rf"^x {why}, which takes too long to read; save it as PNG$"):
        decode(data, "x")


def of_many_parts(kind: str, parts: int) -> bytes:
    """An image of 16 pixels with this number of empty parts."""
    whole = encoded(Image.new("L", (4, 4)), kind)
    if kind == "JPEG":
        return whole[:2] + b"\xff\xfe\0\2" * parts + whole[2:]
    if kind == "GIF":
        start = whole.index(b",", 13)
        return whole[:start] + b"!\xfe\0" * parts + whole[start:]
    chunk = struct.pack(">I", 0) + b"teSt" + struct.pack(">I", zlib.crc32(b"teSt"))
    return whole[:33] + chunk * parts + whole[33:]


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "PNG"])
def test_files_of_countless_parts_are_left_unread(kind: str) -> None:
    assert read(of_many_parts(kind, 1_000), 1).shape == (1, 4, 4)
    data = of_many_parts(kind, 30_000)
    with pytest.raises(InputError, match=r"^x has far more parts than its pixels need"):
        decode(data, "x")
    assert not has_more_frames(data)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tags", [{273: 100_000}, dict.fromkeys(range(1000, 1100), 20_000)])
def test_tiffs_of_countless_parts_are_left_unread(
    tags: dict[int, int], order: str, big: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "open", None)
    number, count, entry = ("Q", "Q", "HHQ8x") if big else ("I", "H", "HHI4x")
    head = b"II" if order == "<" else b"MM"
    head += b"\x2b\0" if big else struct.pack(order + "H", 42)
    head += (struct.pack(order + "HH", 8, 0) if big else b"") + struct.pack(order + number, 16 if big else 8)
    entries = b"".join(struct.pack(order + entry, tag, 4, values) for tag, values in tags.items())
    with pytest.raises(InputError, match=r"^x has far more parts than its pixels need"):
        decode(head + struct.pack(order + count, len(tags)) + entries + bytes(500_000), "x")
