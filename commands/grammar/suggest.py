"""Did you mean: nearest names, letters of another alphabet, the wrong keyboard layout."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

NEAR_ENOUGH = 0.55
# One slip in a word of two letters (`bd` for `db`) is half of it.
NEAR_ENOUGH_SHORT = 0.5
# What people call things that have another name here: suggested, never taken for it.
CALLED = {
    **dict.fromkeys(("бд", "база", "базу", "database", "postgres", "pg"), "db"),
    **dict.fromkeys(("alembic", "downgrade", "migrate", "migration", "миграция"), "db"),
    **dict.fromkeys(("yes", "да"), "approve"),
    **dict.fromkeys(("no", "нет"), "deny"),
    **dict.fromkeys(("abandon", "leave"), "cancel"),
    **dict.fromkeys(("копии", "dumps"), "backups"),
    "статус": "status",
    "revert": "undo",
    "skip": "skip-rehearsal",
    "drop": "drop-kept",
}
ANY_LAYOUT = str.maketrans("йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,.")
# Letters that look like Latin ones on a phone: Cyrillic, then Greek.
LOOKALIKES = str.maketrans(
    "аеорсухкмтіјѕԁѵһвнАВЕКМНОРСТУХІЈЅαονρτυχικΑΒΕΗΙΚΜΝΟΡΤΧΥΖ",
    "aeopcyxkmtijsdvhbhABEKMHOPCTYXIJSaovptuxikABEHIKMNOPTXYZ",
)


def nearest(word: str, choices: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The names nearest to a word, best first; empty when none is near.

    One swapped pair of letters counts as one slip; a word typed in the Russian layout (`фзш`) is
    read in the Latin one (`api`) as well, and what people call a thing elsewhere is known.
    """
    known = list(dict.fromkeys(choices))
    best = {name: 1.0 for name in known if name == CALLED.get(word.lower())}
    cutoff = NEAR_ENOUGH if len(word) > len("db") else NEAR_ENOUGH_SHORT
    for said in {word.lower(), word.lower().translate(ANY_LAYOUT)}:
        for name, score, _ in process.extract(
            said,
            known,
            scorer=OSA.normalized_similarity,
            processor=str.lower,
            limit=limit,
            score_cutoff=cutoff,
        ):
            best[name] = max(score, best.get(name, 0.0))
    return tuple(sorted(best, key=lambda name: (-best[name], known.index(name)))[:limit])


def in_latin(word: str) -> str:
    """The word with look-alike letters of other alphabets replaced by the Latin ones."""
    return unicodedata.normalize("NFKC", word).translate(LOOKALIKES)


def foreign_letters(word: str) -> tuple[str, ...]:
    """The letters of a word that only look Latin: `с → c`."""
    seen = dict.fromkeys(letter for letter in word if not letter.isascii())
    return tuple(f"{letter} → {in_latin(letter)}" for letter in seen)
