"""State to cards: platform-neutral, in the reader's language, pure."""

from bot.cards.announcements import (
    attention_card,
    elsewhere_card,
    resolved_card,
    started_card,
    step_card,
    went_on_card,
    worker_back_card,
)
from bot.cards.answers import error_card, reply_card
from bot.cards.approval import approval_card
from bot.cards.checklist import checklist_card, follow_ups_card
from bot.cards.pause import away_card, away_over_card, pause_card, pause_over_card
from bot.cards.rollback import rollback_card
from bot.cards.view import View

__all__ = [
    "View",
    "approval_card",
    "attention_card",
    "away_card",
    "away_over_card",
    "checklist_card",
    "elsewhere_card",
    "error_card",
    "follow_ups_card",
    "pause_card",
    "pause_over_card",
    "reply_card",
    "resolved_card",
    "rollback_card",
    "started_card",
    "step_card",
    "went_on_card",
    "worker_back_card",
]
