"""`rollbot manifest`: the Slack app manifest, to be pasted when the app is made."""

from __future__ import annotations

import click


@click.command()
@click.option("--url", default="", help="HTTP mode: https://your.host/slack/events")
def manifest(url: str) -> None:
    """Print the Slack app manifest (YAML)."""
    from bot.slack.manifest import manifest as slack_manifest

    click.echo(slack_manifest(url=url), nl=False)
