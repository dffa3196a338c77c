"""`rollbot manifest`: the Slack app manifest, to be pasted when the app is made."""

from __future__ import annotations

from urllib.parse import urlsplit

import click


def _secure(context: click.Context, option: click.Parameter, url: str) -> str:
    """Slack calls https:// alone, and so do we ask for nothing else. Raises click.BadParameter."""
    del context, option
    if url and (not url.startswith("https://") or not urlsplit(url).hostname):
        raise click.BadParameter("must be an https:// address")
    return url


@click.command()
@click.option(
    "--url", default="", callback=_secure, help="HTTP mode: https://your.host/slack/events"
)
def manifest(url: str) -> None:
    """Print the Slack app manifest (YAML)."""
    from bot.slack.manifest import manifest as slack_manifest

    click.echo(slack_manifest(url=url), nl=False)
