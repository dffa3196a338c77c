"""One headless Chromium over the DevTools protocol: a page in, a PNG of each element out."""

from __future__ import annotations

import asyncio
import base64
import itertools
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

# Root in a container has no user namespaces; the page is our own, so the sandbox may be off.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)
SHARPNESS = 1.5
PATIENCE_S = 30.0


@dataclass
class Page:
    """A tab. Commands are answered in their order; events are passed over."""

    socket: aiohttp.ClientWebSocketResponse
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def order(self, method: str, **params: object) -> dict[str, Any]:
        """One DevTools command and its result. Raises RuntimeError when it is refused."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE_S):
            while (said := await self.socket.receive_json()).get("id") != number:
                pass
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']}")
        result: dict[str, Any] = said["result"]
        return result

    async def show(self, html: str, width: int) -> None:
        """Load a page of our own."""
        frame = (await self.order("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        await self.order(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=SHARPNESS,
            mobile=False,
        )
        await self.order("Page.setDocumentContent", frameId=frame, html=html)
        await self._value("document.fonts.ready.then(() => true)")

    async def picture(self, element: str) -> bytes:
        """PNG of the element with that id."""
        box = await self._value(
            f"(() => {{ const b = document.getElementById({element!r}).getBoundingClientRect();"
            " return {x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height} })()"
        )
        shot = await self.order(
            "Page.captureScreenshot", captureBeyondViewport=True, clip={**box, "scale": 1}
        )
        return base64.b64decode(shot["data"])

    async def height(self, element: str) -> float:
        """How tall the element is, in CSS pixels."""
        script = f"document.getElementById({element!r}).getBoundingClientRect().height"
        return float(await self._value(script))

    async def _value(self, expression: str) -> Any:
        answer = await self.order(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        return answer["result"].get("value")


@asynccontextmanager
async def opened(chromium: str) -> AsyncIterator[Page]:
    """A page of a browser of our own, which ends with it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = await asyncio.create_subprocess_exec(
            chromium,
            *FLAGS,
            f"--user-data-dir={folder}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            port = await asyncio.to_thread(_port, Path(folder) / "DevToolsActivePort")
            async with (
                aiohttp.ClientSession() as web,
                web.ws_connect(await _tab(web, port), max_msg_size=0) as socket,
            ):
                yield Page(socket)
        finally:
            browser.terminate()
            await browser.wait()


def _port(told: Path) -> int:
    """The browser writes its port into a file when it is ready. Raises OSError if it never is."""
    until = time.monotonic() + PATIENCE_S
    while not (told.exists() and told.read_text().strip()):
        if time.monotonic() > until:
            raise TimeoutError("Chromium did not open its port")
        time.sleep(0.05)
    return int(told.read_text().splitlines()[0])


async def _tab(web: aiohttp.ClientSession, port: int) -> str:
    async with web.get(f"http://127.0.0.1:{port}/json") as answer:
        tabs = await answer.json()
    return next(str(t["webSocketDebuggerUrl"]) for t in tabs if t["type"] == "page")
