"""Servers on loopback for the tests of collection: one serves files, well or badly; the other answers as YouTube does."""

import datetime
import ipaddress
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Handler(BaseHTTPRequestHandler):
    """Serves `/<behaviour>/<file>` of the server's folder, and counts what it was asked for."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        behaviour, _, name = urlsplit(self.path).path.lstrip("/").partition("/")
        asked = self.headers.get("Range", "")
        self.server.asked.append((behaviour, name, asked))
        status = {"forbidden": 403, "many": 429, "gone": 404, "failing": 500}.get(behaviour)
        if self.server.calm:
            status = None
        if behaviour == "flaky":
            self.server.tries[name] += 1
            status = 503 if self.server.tries[name] <= self.server.num_failures else None
        if status is not None:
            self.answer(status, b"no", "text/plain")
        elif behaviour == "stall" or (behaviour == "doze" and asked != "bytes=0-0"):
            self.stall()
        elif behaviour == "liar":  # serves the range it is tried with, and no other
            content = (self.server.folder / name).read_bytes()
            self.answer(200, content, "video/mp4", asked if asked == "bytes=0-0" else "")
        else:
            content = (self.server.folder / name).read_bytes()
            self.answer(200, content, "video/mp4", asked if behaviour != "plain" else "")

    def answer(self, status: int, content: bytes, kind: str, asked: str = "") -> None:
        total = len(content)
        headers = {"Content-Type": kind}
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            begin, end = int(first), min(int(last or total - 1), total - 1)
            content, status = content[begin : end + 1], 206
            headers["Content-Range"] = f"bytes {begin}-{end}/{total}"
            headers["Accept-Ranges"] = "bytes"
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def stall(self) -> None:
        """Promise much, send a little, then keep silent until the test is over."""
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"\0" * 100)
        self.wfile.flush()
        self.server.over.wait(30)

    def log_message(self, *arguments: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, handler: type[Handler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.folder = folder
        self.asked: list[tuple[str, str, str]] = []
        self.tries: Counter[str] = Counter()
        self.num_failures = 1
        self.calm = False  # serves whatever it would refuse
        self.over = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hangs up is what some tests are about

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def url(self, behaviour: str, name: str) -> str:
        return f"http://{self.address}/{behaviour}/{name}"


@contextmanager
def _running(server: Server) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def media_server(folder: Path) -> Iterator[Server]:
    server = Server(folder, Handler)
    with _running(server):
        yield server


@dataclass
class Film:
    """A video of the fake YouTube."""

    video: str
    duration_s: int
    related: Sequence[str] = ()
    playability: dict[str, str] = field(default_factory=lambda: {"status": "OK"})

    @property
    def channel(self) -> str:
        return f"Channel of {self.video[:3]}"


class Innertube(Handler):
    """Search, related videos, player and media, in the forms that YouTube's own client reads. Pages hold two results."""

    server: "FakeYouTube"

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        endpoint = urlsplit(self.path).path.rpartition("/")[2]
        token = query.get("continuation", "")
        self.server.asked.append((endpoint, token or query.get("videoId") or query.get("query", ""), ""))
        if self.server.refusing():
            self.answer(429, b"{}", "application/json")
            return
        document: Callable[[dict[str, Any], str], Any] = getattr(self, f"_{endpoint}")
        self.answer(200, json.dumps(document(query, token)).encode(), "application/json")

    def _search(self, query: dict[str, Any], token: str) -> Any:
        phrase, _, offset = token.rpartition("@") if token else (query["query"], "", "0")
        found = [{"videoRenderer": _renderer(self.server.films[name])} for name in self.server.searches.get(phrase, ())]
        page, more = _page(found, int(offset), f"{phrase}@")
        section = [{"itemSectionRenderer": {"contents": page}}, *more]
        if token:
            return {"onResponseReceivedCommands": [{"appendContinuationItemsAction": {"continuationItems": section}}]}
        results = {"primaryContents": {"sectionListRenderer": {"contents": section}}}
        return {"contents": {"twoColumnSearchResultsRenderer": results}}

    def _next(self, query: dict[str, Any], token: str) -> Any:
        video, _, offset = token.rpartition("@") if token else (query["videoId"], "", "0")
        films = [self.server.films[name] for name in self.server.films[video].related]
        # The old and the new form, by turns, and a playlist, which is not wanted.
        items = [{"compactVideoRenderer": _renderer(film)} if n % 2 else _lockup(film) for n, film in enumerate(films)]
        page, more = _page(items, int(offset), f"{video}@")
        playlist = {"lockupViewModel": {"contentId": "RDabc", "contentType": "LOCKUP_CONTENT_TYPE_PLAYLIST"}}
        if token:
            items = [*page, *more]
            return {"onResponseReceivedEndpoints": [{"appendContinuationItemsAction": {"continuationItems": items}}]}
        results = {"secondaryResults": {"secondaryResults": {"results": [playlist, *page, *more]}}}
        return {"contents": {"twoColumnWatchNextResults": results}}

    def _player(self, query: dict[str, Any], token: str) -> Any:
        film = self.server.films[query["videoId"]]
        details = {
            "videoId": film.video, "title": f"Film {film.video}", "lengthSeconds": str(film.duration_s),
            "channelId": "UC" + film.video.ljust(22, "x"), "author": film.channel, "isLiveContent": False,
        }  # fmt: skip
        media = f"https://{self.server.address}/{self.server.behaviour}"
        formats = [
            {"itag": 134, "url": f"{media}/picture.mp4", "mimeType": 'video/mp4; codecs="avc1.4d401e"', "bitrate": 100_000,
             "width": 160, "height": 48, "fps": 25, "quality": "medium", "qualityLabel": "360p"},
            {"itag": 140, "url": f"{media}/sound.mp4", "mimeType": 'audio/mp4; codecs="mp4a.40.2"', "bitrate": 128_000,
             "audioSampleRate": "48000", "audioChannels": 2, "audioQuality": "AUDIO_QUALITY_MEDIUM", "quality": "tiny"},
        ]  # fmt: skip
        streams = {"streamingData": {"adaptiveFormats": formats}} if film.playability["status"] == "OK" else {}
        return {"playabilityStatus": film.playability, "videoDetails": details, **streams}


class FakeYouTube(Server):
    """films : by id. searches : phrase to ids, in order. num_good : answers until every other one is a refusal."""

    def __init__(self, folder: Path, films: Sequence[Film], searches: dict[str, Sequence[str]]) -> None:
        super().__init__(folder, Innertube)
        self.films = {film.video: film for film in films}
        self.searches = searches
        self.behaviour = "ranges"
        self.num_good = 1_000_000
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(folder))
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def refusing(self) -> bool:
        self.num_good -= 1
        return self.num_good < 0

    @property
    def options(self) -> dict[str, Any]:
        """yt-dlp's parameters that send it here."""
        skipped = ["webpage", "configs", "js", "initial_data"]
        return {
            "nocheckcertificate": True,
            "extractor_args": {
                "youtube": {
                    "innertube_host": [self.address],
                    "player_skip": skipped,
                    "player_client": ["web_embedded"],
                },
                "youtubetab": {"skip": ["webpage"]},
            },
        }

    def calls(self, endpoint: str) -> list[str]:
        """What an endpoint was asked for, in order."""
        return [argument for name, argument, _ in self.asked if name == endpoint]


@contextmanager
def fake_youtube(folder: Path, films: Sequence[Film], searches: dict[str, Sequence[str]]) -> Iterator[FakeYouTube]:
    server = FakeYouTube(folder, films, searches)
    with _running(server):
        yield server


def _page(items: list[Any], offset: int, stem: str) -> tuple[list[Any], list[Any]]:
    """Two of `items` from `offset`, and the item that leads on where there are more."""
    token = {"continuationEndpoint": {"continuationCommand": {"token": f"{stem}{offset + 2}"}}}
    more = [{"continuationItemRenderer": token}] if offset + 2 < len(items) else []
    return items[offset : offset + 2], more


def _renderer(film: Film) -> dict[str, Any]:
    return {
        "videoId": film.video,
        "title": {"runs": [{"text": f"Film {film.video}"}]},
        "lengthText": {"simpleText": f"{film.duration_s // 60}:{film.duration_s % 60:02}"},
        "shortBylineText": {"runs": [{"text": film.channel}]},
    }


def _lockup(film: Film) -> dict[str, Any]:
    length = {"thumbnailBadgeViewModel": {"text": f"{film.duration_s // 60}:{film.duration_s % 60:02}"}}
    home = {"innertubeCommand": {"browseEndpoint": {"browseId": "UC" + film.video.ljust(22, "x")}}}
    channel = {"text": {"content": film.channel, "commandRuns": [{"onTap": home}]}}
    rows = {"contentMetadataViewModel": {"metadataRows": [{"metadataParts": [channel]}]}}
    overlays = [{"thumbnailBottomOverlayViewModel": {"badges": [length]}}]
    return {
        "lockupViewModel": {
            "contentId": film.video,
            "contentType": "LOCKUP_CONTENT_TYPE_VIDEO",
            "contentImage": {"thumbnailViewModel": {"image": {}, "overlays": overlays}},
            "metadata": {"lockupMetadataViewModel": {"title": {"content": f"Film {film.video}"}, "metadata": rows}},
        }
    }


def _certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path
