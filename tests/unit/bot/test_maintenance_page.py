"""The page that users read while the database is changed, as the bot serves it to Traefik."""

import httpx

from bot.web import Health, app, maintenance


async def test_the_page_is_served_whatever_the_bot_is_like() -> None:
    """A whole page in the users' language, without store or chat: the proxy adds the status."""
    served = httpx.ASGITransport(app(Health(), [maintenance("ru")]))
    async with httpx.AsyncClient(transport=served, base_url="http://bot") as client:
        shown = await client.get("/maintenance")

    assert shown.status_code == 200
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert "Идут технические работы" in shown.text
    assert '"' not in shown.text, "nginx takes the page as a quoted string"
