"""The form that a bare `/rollback` opens: service, version, reason; it comes back as words.

Whatever the form offers, its words are read by the same grammar as typed ones. Slack does not send
what is filled in elsewhere when it asks for versions, so the service stands in the block's id.
"""

from __future__ import annotations

import json
import re
from typing import Any

from bot.slack.markup import clean, fit
from bot.slack.objects import Json
from commands.domain.conversation import Suggestions
from commands.domain.people import Language
from commands.domain.request import VERSION_PATTERN
from commands.domain.spoken import SUBJECTS
from commands.domain.text import text
from commands.locale import say

CALLBACK = "rollback_form"
SERVICE, VERSION, REASON, DRY_RUN = "form:service", "form:version", "form:reason", "form:dry_run"
REASON_MAX = 3000
OPTIONS_MAX = 100
OPTION_MAX = 75
AUTO = "--auto"
APOSTROPHE = "\u02bc"
_CLOSING_QUOTE = re.compile(r"['‘’‚‛‹›](?=\s|$)")


def view(offered: Suggestions, service: str, channel: str, language: Language) -> Json:
    """The modal for one channel, with `service` chosen."""
    dry_run = _option(say(text("slack.form_dry_run_choice"), language), "dry-run")
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": json.dumps({"channel": channel}),
        "title": _plain("slack.form_title", language, 24),
        "submit": _plain("slack.form_submit", language, 24),
        "close": _plain("slack.form_close", language, 24),
        "blocks": [
            _environment(offered, language),
            _input("service", "slack.form_service", language, _services(offered, service, language))
            | {"dispatch_action": True},
            _input(f"version:{service}", "slack.form_version", language, _versions(language)),
            _input("reason", "slack.form_reason", language, _reason()) | {"optional": True},
            _input(
                "dry_run",
                "slack.form_dry_run",
                language,
                {"type": "checkboxes", "action_id": DRY_RUN, "options": [dry_run]},
            )
            | {"optional": True},
        ],
    }


def version_options(
    offered: Suggestions, service: str, typed: str, language: Language
) -> list[Json]:
    """What the version picker offers for what was typed: `--auto`, known ones, and it itself.

    Only what is written like a version is offered: it becomes a word of the command as it stands.
    """
    known = offered.of(service)
    wanted = typed.strip().lower()
    options = [
        _option(version, version, note) for version, note in known if wanted in version.lower()
    ]
    if not wanted:
        options.insert(0, _option(say(text("slack.form_auto"), language), AUTO))
    elif wanted not in {version.lower() for version, _ in known}:
        label = say(text("slack.form_typed", version=typed.strip()), language)
        options.append(_option(label, typed.strip()))
    return [one for one in options if _is_target(one["value"])][:OPTIONS_MAX]


def channel_of(shown: Json) -> str:
    """The channel in which a form was asked for."""
    return str(json.loads(shown["private_metadata"])["channel"])


def service_of(block_id: str) -> str:
    """The service whose versions a block asks for."""
    return block_id.removeprefix("version:")


def words(shown: Json) -> str:
    """A submission as the words that mean the same: `api v1.2.3 --reason "…"`."""
    filled: dict[str, Any] = {}
    for block in shown["state"]["values"].values():
        filled |= block
    parts = [_chosen(filled.get(SERVICE)), _version(_chosen(filled.get(VERSION)))]
    if reason := ((filled.get(REASON) or {}).get("value") or "").strip():
        parts.append(f"--reason {quoted(reason)}")
    if (filled.get(DRY_RUN) or {}).get("selected_options"):
        parts.append("--dry-run")
    return " ".join(part for part in parts if part)


def quoted(words: str) -> str:
    """One word for the grammar, whatever stands in it.

    The grammar knows no escapes: a single quote ends a word only where white space follows, and
    there a modifier letter apostrophe, which looks the same, takes its place.
    """
    return f"'{_CLOSING_QUOTE.sub(APOSTROPHE, clean(words))}'"


def _version(chosen: str) -> str:
    """A version without a digit might be read as a service's name: it is said to be one."""
    plain = chosen in ("", AUTO) or any(letter.isdigit() for letter in chosen)
    return chosen if plain else f"--to-version={chosen}"


def _chosen(filled: Json | None) -> str:
    return str(((filled or {}).get("selected_option") or {}).get("value") or "")


def _is_target(value: str) -> bool:
    return value == AUTO or re.fullmatch(VERSION_PATTERN, value) is not None


def _environment(offered: Suggestions, language: Language) -> Json:
    line = say(text("slack.form_environment", environment=offered.environment), language)
    return {"type": "section", "text": {"type": "plain_text", "text": fit(line, 300)}}


def _services(offered: Suggestions, chosen: str, language: Language) -> Json:
    names = offered.services[: OPTIONS_MAX - len(SUBJECTS)]
    options = [
        *(_option(service, service) for service in names),
        _option(say(text("form.all"), language), "all"),
        _option(say(text("form.full"), language), "full"),
    ]
    picked = next((one for one in options if one["value"] == chosen), options[0])
    return {
        "type": "static_select",
        "action_id": SERVICE,
        "options": options,
        "initial_option": picked,
    }


def _versions(language: Language) -> Json:
    return {
        "type": "external_select",
        "action_id": VERSION,
        "min_query_length": 0,
        "placeholder": _plain("slack.form_version_hint", language, 150),
    }


def _reason() -> Json:
    return {
        "type": "plain_text_input",
        "action_id": REASON,
        "multiline": True,
        "max_length": REASON_MAX,
    }


def _input(block_id: str, label: str, language: Language, element: Json) -> Json:
    return {
        "type": "input",
        "block_id": block_id,
        "label": _plain(label, language, 150),
        "element": element,
    }


def _option(label: str, value: str, note: str = "") -> Json:
    option: Json = {
        "text": {"type": "plain_text", "text": fit(label, OPTION_MAX).strip() or "–"},
        "value": value,
    }
    if shown := fit(note, OPTION_MAX).strip():
        option["description"] = {"type": "plain_text", "text": shown}
    return option


def _plain(key: str, language: Language, limit: int) -> Json:
    return {"type": "plain_text", "text": fit(say(text(key), language), limit)}
