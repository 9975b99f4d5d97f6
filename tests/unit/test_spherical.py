"""What files declare of 360-degree picture and sound. FFmpeg, which reads most of it too, is the second opinion."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from leftright.clips import PROJECTIONS, SOUND_FIELDS
from leftright.errors import InputError
from leftright.mp4 import Box, read_index, write_index
from leftright.spherical import Metadata, ambix, read_metadata, write_metadata
from leftright.video import decode_audio, probe
from tests.numbered_videos import frame_numbers, write_video

WHOLE = Metadata(projection="equirectangular", stereo_mode="mono")
TURNED = replace(ambix(4), projection="equirectangular", stereo_mode="top_bottom", yaw_deg=30.5, pitch_deg=-10.0)
PICTURE = ("projection", "stereo_mode", "yaw_deg", "pitch_deg", "roll_deg", "cropped")
CROPPED = Metadata(projection="equirectangular", cropped=(0.25, 0.125, 0.0, 0.5))


def film(directory: Path, layout: str = "4.0", name: str = "film.mp4", **how) -> Path:
    return write_video(directory / name, 1, layout=layout, **how)


def remuxed(source: Path, target: Path) -> Path:
    """The same packets in another container, by FFmpeg, which carries over what it understood."""
    with av.open(str(source)) as media, av.open(str(target), "w") as written:
        streams = {stream.index: written.add_stream_from_template(stream) for stream in media.streams}
        for packet in media.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                written.mux(packet)
    return target


def with_track_box(path: Path, number: int, box: Box) -> Path:
    """A box more in a track: 0 is the picture's, 1 the sound's."""
    index = read_index(path)
    assert index is not None
    list(index.all(b"trak"))[number].boxes.append(box)
    write_index(path, index, path)
    return path


def sound_entry(index: Box) -> Box:
    return list(index.all(b"trak", b"mdia", b"minf", b"stbl", b"stsd"))[1].boxes[0]


def with_sound_box(path: Path, content: bytes) -> Path:
    index = read_index(path)
    assert index is not None
    sound_entry(index).boxes.append(Box(b"SA3D", content))
    write_index(path, index, path)
    return path


def v1(**values: str) -> Box:
    text = "".join(f"<GSpherical:{name}>{value}</GSpherical:{name}>" for name, value in values.items())
    xml = f'<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="a" xmlns:GSpherical="b">{text}</rdf:SphericalVideo>'
    return Box(b"uuid", bytes.fromhex("ffcc8263f8554a938814587a02521fdd") + xml.encode())


@pytest.mark.parametrize("options", [{}, {"movflags": "+faststart"}])
@pytest.mark.parametrize(
    ("layout", "declared"),
    [
        ("4.0", TURNED),
        ("4.0", CROPPED),
        ("hexagonal", replace(ambix(6), projection="cubemap", stereo_mode="left_right")),
        ("3.0", replace(ambix(3), projection="equirectangular")),
        ("stereo", WHOLE),
        ("4.0", replace(ambix(4), channel_map=(0, 2, 3, 1))),
        ("4.0", Metadata()),
    ],
)
def test_what_is_declared_is_read_again_and_the_film_is_the_same(
    tmp_path: Path, options: dict[str, str], layout: str, declared: Metadata
) -> None:
    path = film(tmp_path, layout, options=options)
    heard, numbers = decode_audio(path)[0], frame_numbers(path)
    write_metadata(path, declared)
    assert read_metadata(path) == declared
    np.testing.assert_array_equal(decode_audio(path)[0], heard)
    assert frame_numbers(path) == numbers
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_declaration_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = film(tmp_path)
    plain = path.read_bytes()
    with_track_box(path, 0, v1(Spherical="true"))
    for declared in (TURNED, CROPPED, WHOLE):
        write_metadata(path, declared)
        assert read_metadata(path) == declared
    write_metadata(path, Metadata())
    assert path.read_bytes() == plain


@pytest.mark.parametrize("declared", [WHOLE, TURNED, CROPPED, Metadata(projection="cubemap")])
def test_ffmpeg_understands_what_we_write(tmp_path: Path, declared: Metadata) -> None:
    """Matroska's own form of it, written by FFmpeg from our boxes and read through FFmpeg's frames."""
    path = film(tmp_path)
    write_metadata(path, declared)
    found = read_metadata(remuxed(path, tmp_path / "film.mkv"))
    assert found.projection == declared.projection
    assert found.stereo_mode == declared.stereo_mode
    assert (found.yaw_deg, found.pitch_deg, found.roll_deg) == (declared.yaw_deg, declared.pitch_deg, declared.roll_deg)
    assert found.cropped == pytest.approx(declared.cropped)


def test_v1_is_read_where_there_is_no_v2(tmp_path: Path) -> None:
    values = {"Spherical": "true", "Stitched": "true", "ProjectionType": "equirectangular", "StereoMode": "top-bottom"}
    crop = {"FullPanoWidthPixels": "1000", "FullPanoHeightPixels": "500", "CroppedAreaImageWidthPixels": "500"}
    crop |= {"CroppedAreaImageHeightPixels": "400", "CroppedAreaLeftPixels": "100", "CroppedAreaTopPixels": "50"}
    path = with_track_box(film(tmp_path), 0, v1(InitialViewHeadingDegrees=" 90 ", **values, **crop))
    found = read_metadata(path)
    assert (found.projection, found.stereo_mode, found.yaw_deg) == ("equirectangular", "top_bottom", 90.0)
    assert found.cropped == pytest.approx((0.1, 0.1, 0.1, 0.4))
    assert not found.is_full_sphere
    index = read_index(path)
    assert index is not None
    picture = next(index.all(b"trak", b"mdia", b"minf", b"stbl", b"stsd")).boxes[0]
    header, data = Box(b"prhd", bytes(16)), Box(b"cbmp", bytes(12))
    picture.boxes.append(Box(b"sv3d", b"", [Box(b"proj", b"", [header, data])]))
    write_index(path, index, path)
    assert read_metadata(path).projection == "cubemap"


@pytest.mark.parametrize(
    ("values", "projection"),
    [
        ({"Spherical": "true"}, "equirectangular"),
        ({"Spherical": "false", "ProjectionType": "equirectangular"}, ""),
        ({"Spherical": "true", "ProjectionType": "something new"}, ""),
        (
            {"Spherical": "true", "FullPanoWidthPixels": "x" * 500, "InitialViewHeadingDegrees": "9e999"},
            "equirectangular",
        ),
        ({}, ""),
    ],
)
def test_odd_v1_is_read_as_far_as_it_makes_sense(tmp_path: Path, values: dict[str, str], projection: str) -> None:
    found = read_metadata(with_track_box(film(tmp_path), 0, v1(**values)))
    assert found == Metadata(projection=projection)


@pytest.mark.parametrize(
    ("channel_map", "kind", "sound_field"),
    [
        ((0, 1, 2, 3), 0, "ambix"),
        ((0, 1, 2, 3, 4, 5), 0x80, "ambix+head_locked"),
        ((0, 1, 3), 0, "ambix"),  # without Z
        ((0, 2, 3, 1), 0, "wxyz_sn3d"),  # the specification's example
        ((0, 3, 1, 2), 0, "wxyz_sn3d"),  # FFmpeg's way to say the same
        ((0, 2, 3, 1, 4, 5), 0x80, "wxyz_sn3d+head_locked"),
        ((3, 2, 1, 0), 0, "other"),
        ((4, 5, 0, 1, 2, 3), 0x80, "other"),
        ((0, 1, 2, 3), 1, "other"),  # a type that is not known
    ],
)
def test_the_sound_fields_box_by_hand(
    tmp_path: Path, channel_map: tuple[int, ...], kind: int, sound_field: str
) -> None:
    """The fields in the order of the specification: version, type, order, ordering, normalisation, channels, map."""
    content = b"\0" + bytes([kind]) + b"\0\0\0\1" + b"\0" + b"\0" + len(channel_map).to_bytes(4, "big")
    content += b"".join(number.to_bytes(4, "big") for number in channel_map)
    found = read_metadata(with_sound_box(film(tmp_path), content))
    assert found.sound_field == sound_field
    assert sound_field in SOUND_FIELDS
    assert found.ambisonic_order == 1
    assert found.channel_map == channel_map


@pytest.mark.parametrize("codec", ["libopus"])
@pytest.mark.parametrize(("layout", "sound_field"), [("quad", "ambix"), ("5.1", "ambix+head_locked")])
def test_opus_declares_by_its_channel_mapping(tmp_path: Path, codec: str, layout: str, sound_field: str) -> None:
    """Mapping family 2 is ambiX (RFC 8486); family 1, with the same channels, is loudspeakers."""
    for family, expected in (("1", ""), ("2", sound_field)):
        path = tmp_path / f"{family}.webm"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=48_000, layout=layout, options={"mapping_family": family})
            samples = np.zeros((stream.codec_context.layout.nb_channels, 48_000), np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = 48_000, 0
            for block in av.AudioResampler(format=stream.codec_context.format, layout=layout).resample(frame):
                container.mux(stream.encode(block))
            container.mux(stream.encode(None))
        assert read_metadata(path).sound_field == expected


@pytest.mark.parametrize(
    ("number", "kinds", "content", "expected"),
    [
        (0, (b"st3d",), b"\0\0\0\0\xc8", replace(TURNED, stereo_mode="")),
        (0, (b"sv3d", b"proj", b"equi"), bytes(8), replace(TURNED, projection="", yaw_deg=0, pitch_deg=0)),
        (0, (b"sv3d", b"proj", b"prhd"), bytes(8), replace(TURNED, projection="", yaw_deg=0, pitch_deg=0)),
        (1, (b"SA3D",), b"\1" + bytes(40), replace(WHOLE, **{name: getattr(TURNED, name) for name in PICTURE})),
    ],
)
def test_a_damaged_declaration_is_none_and_the_others_hold(
    tmp_path: Path, number: int, kinds: tuple[bytes, ...], content: bytes, expected: Metadata
) -> None:
    path = film(tmp_path)
    write_metadata(path, TURNED)
    index = read_index(path)
    assert index is not None
    box = [table.boxes[0] for table in index.all(b"trak", b"mdia", b"minf", b"stbl", b"stsd")][number].find(*kinds)
    assert box is not None
    box.head = content
    write_index(path, index, path)
    assert read_metadata(path) == expected


def test_a_map_of_more_channels_than_its_box_holds_is_none(tmp_path: Path) -> None:
    path = with_sound_box(film(tmp_path), b"\0\0\0\0\0\1\0\0\xff\xff\xff\xff" + bytes(16))
    assert read_metadata(path) == Metadata()


def test_noise_in_the_index_is_unknown_or_one_line(tmp_path: Path) -> None:
    path = film(tmp_path)
    write_metadata(path, TURNED)
    content = path.read_bytes()
    start = content.rindex(b"moov")
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(content)
        place = int(rng.integers(start, len(content) - 8))
        damaged[place : place + 4] = rng.bytes(4)
        path.write_bytes(damaged)
        try:
            found = read_metadata(path)
            assert found.sound_field in SOUND_FIELDS
            assert found.projection in PROJECTIONS
        except InputError as error:
            assert str(path) in str(error)
            assert "\n" not in str(error)


@pytest.mark.parametrize("name", ["film.mkv", "film.webm", "film.ts", "film.mp4"])
def test_films_that_declare_nothing(tmp_path: Path, name: str) -> None:
    codecs = {"picture_codec": "libvpx", "sound_codec": "libopus"} if name.endswith("webm") else {}
    assert read_metadata(film(tmp_path, "stereo", name, **codecs)) == Metadata()


@pytest.mark.parametrize("content", [None, b"", b"no film at all", bytes(1000)])
def test_what_is_no_film_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)
    for ask in (read_metadata, lambda path: write_metadata(path, WHOLE)):
        with pytest.raises(InputError, match=r"film\.mp4: ") as caught:
            ask(path)
        assert "\n" not in str(caught.value)


def test_a_film_without_sound_declares_its_picture(tmp_path: Path) -> None:
    path = film(tmp_path, sound_codec="")
    write_metadata(path, TURNED)
    assert read_metadata(path) == replace(
        TURNED, ambisonic_order=None, channel_ordering="", normalisation="", channel_map=()
    )


def test_what_cannot_be_written_is_not(tmp_path: Path) -> None:
    path = film(tmp_path)
    with pytest.raises(ValueError, match="mesh"):
        write_metadata(path, Metadata(projection="mesh"))
    with pytest.raises(ValueError, match="5"):
        ambix(5)
    assert probe(path).num_channels == 4
