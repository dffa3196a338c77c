"""Stories of the database: migrations back, restores, refusals, doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from commands.domain import events as e
from commands.domain.database import BackupRecord
from commands.domain.people import Scenario
from commands.domain.plan import (
    CheckIntegrity,
    EnterMaintenance,
    EvidenceItem,
    KeepCopy,
    LeaveMaintenance,
    MigrateSchema,
    Phase,
    PlanPart,
    ProveBackup,
    ReadSchema,
    RehearseMigration,
)
from commands.domain.proof import ProofItem, Verdict
from commands.domain.text import Text, text
from tests.cards.people import NIGHT
from tests.cards.teller import Teller
from tests.fakes.database_plans import (
    AFTER,
    BACKUP,
    BEFORE,
    LOCKED,
    NAME,
    database_plan,
    database_request,
)

WHY = "После миграции 8c1f0b7a9d42 проекты не открываются, 500 на каждом втором запросе."
KEPT = "samokoder_before_RB_17"
TAKEN = text(
    "db.evidence_backup",
    name="samokoder_20261122T001402Z_RB-17.dump.zst",
    mb=412.0,
    seconds=6.2,
    at="2026-11-22 00:14 UTC",
    sha="3fa9c1d2e0ab",
)
PROVED = text("db.proved", n=14, rows=184_112, seconds=9.1)
REHEARSED = text("db.rehearsed", seconds=3.1, held_s=0.4)
DROPS = text("db.drops_column", n=2, names=("projects.description", "projects.archived_at"))
LOSES = text("db.loses", n=1_204, name="projects.description")
SOUND = text("db.copy_sound", n=12, names=())


def asked(**more: object) -> Teller:
    """`db -1`, planned as the planner does."""
    story = Teller().ask_for(database_request(reason=WHY, **more))
    return story.planned(database_plan(story.state.request))


def prepared_until(story: Teller, kind: type[PlanPart]) -> Teller:
    """The worker prepares, up to (not with) the first step of that kind."""
    while (step := story.state.pending(Phase.PREPARE)) and not isinstance(step.action, kind):
        story.tell(e.StepIntended(step=step.number))
        if isinstance(step.action, ProveBackup):
            story.tell(_found(backup=TAKEN, backup_proof=PROVED))
        story.tell(e.StepDone(step=step.number, seconds=6.2), after_s=6.2)
    return story


def rehearsing(story: Teller) -> Teller:
    step = prepared_until(story, RehearseMigration).state.pending(Phase.PREPARE)
    assert step is not None
    story.tell(e.StepIntended(step=step.number))
    story.now += timedelta(seconds=2)
    return story


def rehearsed(story: Teller) -> Teller:
    step = rehearsing(story).state.pending(Phase.PREPARE)
    assert step is not None
    found = _found(
        rehearsal=REHEARSED,
        rehearsal_drops_column=DROPS,
        rehearsal_integrity=SOUND,
        rehearsal_loses_0=LOSES,
    )
    return story.tell(found, e.StepDone(step=step.number, seconds=3.1, detail=REHEARSED))


def _found(**said: Text) -> e.EvidenceFound:
    items = (EvidenceItem(name=name, ok=True, said=one) for name, one in said.items())
    return e.EvidenceFound(items=tuple(items))


def waiting_db() -> Teller:
    return rehearsing(asked())


def waiting_db_rehearsed() -> Teller:
    return rehearsed(asked()).approve("gleb")


def waiting_db_skipped() -> Teller:
    story = rehearsing(asked())
    why = "копия восстанавливается час, ждать нельзя"
    return story.tell(e.RehearsalSkipped(person="vera", reason=why), after_s=20)


def approved_db() -> Teller:
    """Everybody has said yes before the rehearsal was over."""
    return rehearsing(asked()).approve("gleb", "vera")


def db_two_heads() -> Teller:
    story = Teller().ask_for(database_request(reason=WHY))
    heads = ("8c1f0b7a9d42", "b07d3e91c5aa")
    why = text("refused.db_several_heads", version="v1.3.0", heads=heads)
    return story.tell(e.PlanRefused(reason=why), after_s=2)


def begun(story: Teller) -> Teller:
    left = [p for p in ("gleb", "vera") if p not in _approved(story)]
    return rehearsed(story).approve(*left).start()


def _approved(story: Teller) -> tuple[str, ...]:
    question = story.state.question
    return tuple(question.approvals) if question else ()


def done_until(story: Teller, kind: type[PlanPart]) -> Teller:
    """Production's steps, up to (not with) the first of that kind."""
    while not isinstance(story.next().action, kind):
        done(story)
    return story


def done(story: Teller) -> None:
    """The next step of production, with what it says for itself and reads back."""
    step = story.next()
    said = DUMPED if getattr(step.action, "way", "") == "dump" else DETAILS.get(step.action.kind)
    proof = database_proof(step.action) or story.proof_of(step)
    story.tell(e.StepIntended(step=step.number, before={"version": "v1.3.0"}))
    seconds = SECONDS.get(step.action.kind, 1.2)
    story.tell(
        e.StepDone(step=step.number, seconds=seconds, detail=said, proof=proof), after_s=seconds
    )


DETAILS = {
    "drain_sessions": text("db.drained", n=1, who=("pgAdmin samokoder 10.0.0.7",)),
    "keep_copy": text("db.cloned", name=KEPT, seconds=1.9),
    "migrate_schema": text("db.migrated", revisions=AFTER, seconds=3.3, blocked_s=0.4),
    "swap_database": text("db.swapped", database=NAME, kept=KEPT),
}
DUMPED = text(
    "db.kept_dump", name="samokoder_20261122T001455Z_RB-17-kept.dump.zst", mb=38.0, seconds=1.9
)
SECONDS = {"migrate_schema": 3.3, "keep_copy": 1.9, "await_healthy": 6.4, "hold_stable": 30.0}


def database_proof(action: object) -> tuple[ProofItem, ...]:
    """What reading a schema back, and its integrity, prove."""
    match action:
        case ReadSchema(revisions=revisions):
            return (_ok("schema", ", ".join(revisions)),)
        case CheckIntegrity():
            counted = (("users", "1204"), ("projects", "880"), ("files", "31977"))
            kinds = (("count", "3"), ("foreign_key", "6"), ("sequence", "4"), ("index", "12"))
            return tuple(
                _ok("integrity", found, service=service, expected=found)
                for service, found in (*counted, *kinds)
            )
        case EnterMaintenance():
            return (_ok("maintenance", "HTTP 503", service="traefik"),)
        case LeaveMaintenance():
            return (_ok("maintenance", "HTTP 200", service="traefik"),)
        case _:
            return ()


def _ok(what: str, found: str, service: str = NAME, expected: str = "") -> ProofItem:
    given = {"service": service, "what": what, "found": found, "expected": expected}
    return ProofItem.model_validate(given | {"verdict": Verdict.OK})


def executing_db() -> Teller:
    return done_until(begun(asked()), MigrateSchema).begin(2)


def db_lock() -> Teller:
    """Somebody's session holds what the migration needs: nothing was changed."""
    return done_until(begun(asked()), MigrateSchema).fail(LOCKED, 5.2)


def db_in_doubt() -> Teller:
    """The migration was cut short after part of it could not be taken back."""
    story = done_until(begun(asked()), MigrateSchema)
    step = story.begin(1.0).next().number
    why = text(
        "doubt.schema_half_way",
        database=NAME,
        before=BEFORE,
        now=BEFORE,
        objects=("index ix_projects_archived", "column projects.archived_at"),
    )
    return story.tell(e.StepInDoubt(step=step, why=why), after_s=7)


def succeeded_db() -> Teller:
    return over(begun(asked()))


def over(story: Teller) -> Teller:
    """Every step that is left is done, and it is proven."""
    while story.state.pending(Phase.EXECUTE, Phase.VERIFY):
        done(story)
    return story.finish()


def undo_asked_db() -> Teller:
    return succeeded_db().recover("undo")


def drop_kept_asked() -> Teller:
    return succeeded_db().recover("drop_kept").approve("gleb")


def kept_dropped() -> Teller:
    story = drop_kept_asked().approve("vera").tell(e.DropKeptOrdered(people=("gleb", "vera")))
    return story.tell(e.KeptDropped(databases=(KEPT,)), after_s=2)


def undone_db() -> Teller:
    story = succeeded_db().recover("undo").approve("gleb", "vera")
    return story.tell(e.UndoStarted(people=("gleb", "vera"))).walk_back().tell(e.Undone())


def dumped_db() -> Teller:
    """There was no room for a clone: the way back is another migration."""
    story = Teller().ask_for(database_request(reason=WHY))
    story.planned(database_plan(story.state.request, way="dump"))
    return over(begun(story)).recover("undo")


def restore_asked(request_name: str = "") -> Teller:
    story = Teller().ask_for(
        database_request(
            scenario=Scenario.RESTORE,
            backup=request_name,
            reason="Миграция испортила описания проектов.",
        )
    )
    record = BackupRecord(
        name=BACKUP,
        database=NAME,
        taken_at=NIGHT - timedelta(hours=2, minutes=3),
        revisions=AFTER,
        size_bytes=412_000_000,
        by="pre-deploy",
        proven_at=NIGHT - timedelta(hours=2),
    )
    plan = database_plan(story.state.request).model_copy(update={"backup": record})
    return story.planned(plan)


def waiting_restore() -> Teller:
    story = restore_asked()
    step = prepared_until(story, KeepCopy).state
    assert step.pending(Phase.PREPARE) is None
    found = text("db.restored", n=14, rows=184_112, seconds=12.4, at="2026-11-21 22:11 UTC")
    return story.tell(_found(restored=found)).approve("gleb")


def succeeded_restore() -> Teller:
    return over(waiting_restore().approve("vera").start())


DATABASE_STORIES: Mapping[str, Callable[[], Teller]] = {
    story.__name__: story
    for story in (
        waiting_db,
        waiting_db_rehearsed,
        waiting_db_skipped,
        approved_db,
        db_two_heads,
        executing_db,
        db_lock,
        db_in_doubt,
        succeeded_db,
        undo_asked_db,
        undone_db,
        dumped_db,
        drop_kept_asked,
        kept_dropped,
        waiting_restore,
        succeeded_restore,
    )
}
