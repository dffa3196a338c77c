"""Step progress: as lines of a section, or as Slack's own plan block.

`plan` and `task_card`: docs.slack.dev/reference/block-kit/blocks/plan-block (November 2026). They
are young: a workspace that does not know them answers `invalid_blocks`, and the chat falls back.
"""

from __future__ import annotations

from bot.slack.markup import clean, fit, mrkdwn
from bot.slack.objects import Json
from commands.domain.conversation import StepLine, StepLook, Steps

TASKS_MAX = 40
_LOOKS = {
    StepLook.PENDING: "▫️",
    StepLook.RUNNING: "⏳",
    StepLook.DONE: "✅",
    StepLook.FAILED: "❌",
    StepLook.IN_DOUBT: "❓",
    StepLook.SKIPPED: "⏭️",
    StepLook.UNDONE: "↩️",
}
_STATUSES = {
    StepLook.PENDING: "pending",
    StepLook.RUNNING: "in_progress",
    StepLook.DONE: "complete",
    StepLook.FAILED: "error",
    StepLook.IN_DOUBT: "error",
    StepLook.SKIPPED: "complete",
    StepLook.UNDONE: "complete",
}
_SPELT_OUT = {StepLook.IN_DOUBT, StepLook.SKIPPED, StepLook.UNDONE}
"""Looks that no status of Slack's has a picture for."""


def step_lines(steps: Steps) -> list[str]:
    """One line a step, in `mrkdwn`."""
    lines = []
    for line in steps.lines:
        detail = f" · {fit(line.detail, 250, mrkdwn)}" if line.detail else ""
        took = f" `{clock(line.seconds)}`" if line.seconds is not None else ""
        lines.append(f"{_LOOKS[line.look]} {fit(line.title, 200, mrkdwn)}{took}{detail}")
    return lines


def plan_block(steps: Steps) -> Json:
    """All steps as one `plan` block of task cards."""
    return {
        "type": "plan",
        "title": fit(steps.title, 150).strip() or "…",
        "tasks": [_task(number, line) for number, line in enumerate(steps.lines[:TASKS_MAX])],
    }


def clock(seconds: float) -> str:
    """`1:05`, minutes and seconds: reads the same in every language."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def _task(number: int, line: StepLine) -> Json:
    mark = f"{_LOOKS[line.look]} " if line.look in _SPELT_OUT else ""
    took = f" {clock(line.seconds)}" if line.seconds is not None else ""
    task: Json = {
        "type": "task_card",
        "task_id": f"step_{number}",
        "title": f"{mark}{fit(line.title, 150).strip() or '…'}{took}",
        "status": _STATUSES[line.look],
    }
    if clean(line.detail).strip():
        words = {"type": "text", "text": fit(line.detail, 250)}
        section = {"type": "rich_text_section", "elements": [words]}
        task["details"] = {"type": "rich_text", "elements": [section]}
    return task
