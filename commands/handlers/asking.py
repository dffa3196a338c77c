"""Questions: status, plan, log, versions, history, help. Nothing is changed by them."""

from __future__ import annotations

from datetime import timedelta

from commands.domain import reply as r
from commands.domain import spoken as s
from commands.domain.conversation import Suggestions
from commands.domain.facts import KnownRelease
from commands.domain.observed import ObservedDatabase, ObservedRecord
from commands.domain.people import Language
from commands.domain.runbook import Runbook
from commands.domain.text import text
from commands.handlers.context import Context, Service
from commands.locale import say

NEWEST = 10


async def menu(context: Context, spoken: s.Menu) -> r.Reply:
    """What can be rolled back here, and to what."""
    observed = await context.service.observed()
    language = context.runbook.language
    record = observed.record if observed else None
    found = suggestions(context.runbook, context.service, record, language)
    return r.MenuReply(found)


async def help_(context: Context, spoken: s.Help) -> r.Reply:
    """How it works."""
    return r.HelpReply(spoken.topic)


async def status(context: Context, spoken: s.Status) -> r.Reply:
    """One rollback's card, or the whole environment."""
    if spoken.rollback:
        return r.RollbackReply(await context.rollback(spoken.rollback))
    book = context.service.book
    environment = await book.environment()
    open_ = [await book.rollback(name) for name in tuple(environment.open)]
    observed = await context.service.observed()
    return r.StatusReply(
        environment,
        tuple(state for state in open_ if state is not None),
        observed.record if observed else None,
        observed.age if observed else None,
        len(await context.service.workers()),
    )


async def plan(context: Context, spoken: s.PlanOf) -> r.Reply:
    """The whole plan."""
    return r.RollbackReply(await context.rollback(spoken.rollback), whole_plan=True)


async def log(context: Context, spoken: s.Log) -> r.Reply:
    """What was done, entry by entry."""
    state = await context.rollback(spoken.rollback)
    entries = await context.service.book.entries(spoken.rollback)
    return r.LogReply(state, tuple((entry.at, entry.event) for entry in entries))


async def versions(context: Context, spoken: s.Versions) -> r.Reply:
    """What a service could go back to."""
    observed = await context.service.observed()
    releases = observed.record.releases.get(spoken.service, ()) if observed else ()
    return r.VersionsReply(spoken.service, releases, observed.age if observed else None)


async def schema(context: Context, spoken: s.Schema) -> r.Reply:
    """Which migrations the database has, and which there are."""
    seen, age = await _database(context)
    return r.SchemaReply(context.service.environment, _name(context), seen, age)


async def backups(context: Context, spoken: s.Backups) -> r.Reply:
    """The folder's as observed, and those that the journal has learnt of since."""
    here = context.service.environment
    seen, age = await _database(context)
    known = tuple(reversed((await context.service.book.environment()).backups))
    if seen is None:
        return r.BackupsReply(here, _name(context), known or None, None)
    since = tuple(one for one in known if max(one.taken_at, one.proven_at or seen.at) > seen.at)
    names = {one.name for one in since}
    listed = (*since, *(one for one in seen.backups if one.name not in names))
    return r.BackupsReply(here, _name(context), listed, age)


async def _database(context: Context) -> tuple[ObservedDatabase | None, timedelta | None]:
    """What the observer last read of it, and how long ago."""
    observed = await context.service.observed()
    seen = observed.record.database if observed else None
    return seen, context.service.clock.now() - seen.at if seen else None


def _name(context: Context) -> str:
    database = context.runbook.environments[context.service.environment].database
    return database.name if database else "db"


async def history(context: Context, spoken: s.History) -> r.Reply:
    """The newest rollbacks, newest first."""
    book = context.service.book
    names = tuple((await book.environment()).opened)[-NEWEST:]
    states = [await book.rollback(name) for name in reversed(names)]
    return r.HistoryReply(tuple(state for state in states if state is not None))


async def oncall(context: Context, spoken: s.Oncall) -> r.Reply:
    """Who is on call."""
    return r.OncallReply()


def suggestions(
    runbook: Runbook, service: Service, observed: ObservedRecord | None, language: Language
) -> Suggestions:
    """Services of an environment, and their newest versions with what is known of each."""
    services = runbook.service_names(service.environment)
    found = observed.releases if observed else {}
    versions = {
        name: tuple((v.version, note_of(v, language)) for v in found.get(name, ())[:NEWEST])
        for name in services
    }
    return Suggestions(service.environment, services, versions)


def note_of(release: KnownRelease, language: Language) -> str:
    """What a version picker says beside a version."""
    if release.running:
        return say(text("release.running"), language)
    if release.known_bad_since:
        return say(text("release.known_bad", rollback=release.known_bad_since), language)
    return say(text("release.proven" if release.proven else "release.not_proven"), language)
