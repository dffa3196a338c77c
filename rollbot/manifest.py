"""`rollbot manifest`: the Slack app manifest, to be pasted when the app is made."""

from __future__ import annotations

import click


@click.command()
def manifest() -> None:
    """Print the Slack app manifest (YAML)."""
    from bot.slack.manifest import manifest as slack_manifest

    click.echo(slack_manifest(), nl=False)
