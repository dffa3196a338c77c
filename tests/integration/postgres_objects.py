"""A database with one of everything that an owner may make without being a superuser."""

from __future__ import annotations

import subprocess

from tests.engines.postgres_server import PostgresServer

READER = "objects_reader"
"""A role that grants name; made on the server before `OBJECTS` are."""

OBJECTS = r"""
    CREATE EXTENSION hstore; CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gist;
    CREATE SCHEMA billing; CREATE SCHEMA "Odd, schema";

    CREATE TYPE billing.state AS ENUM ('draft', 'paid');
    CREATE TYPE billing.money_of AS (cents bigint, currency text);
    CREATE TYPE billing.period AS RANGE (subtype = timestamptz);
    CREATE DOMAIN billing.email AS text CHECK (VALUE LIKE '%@%');
    CREATE COLLATION billing.plain (provider = libc, locale = 'C');
    CREATE FUNCTION billing.touched() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN NEW.seen := NEW.seen + 1; RETURN NEW; END $$;
    CREATE FUNCTION billing.cents(billing.money_of) RETURNS bigint
        LANGUAGE sql IMMUTABLE AS 'SELECT ($1).cents';
    CREATE PROCEDURE billing.close() LANGUAGE sql AS 'SELECT 1';
    CREATE AGGREGATE billing.joined(text) (SFUNC = textcat, STYPE = text, INITCOND = '');

    CREATE TABLE users (
        id bigint GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5) PRIMARY KEY,
        email billing.email NOT NULL, name text COLLATE billing.plain, tags hstore,
        short text GENERATED ALWAYS AS (left(name, 2)) STORED, seen int NOT NULL DEFAULT 0
    );
    CREATE SEQUENCE billing.numbers START 7;
    CREATE TABLE billing.invoices (
        number bigint PRIMARY KEY DEFAULT nextval('billing.numbers'),
        user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
        state billing.state, total billing.money_of, during billing.period, amounts numeric(9,2)[],
        about jsonb, scan bytea,
        EXCLUDE USING gist (user_id WITH =, during WITH &&)
    );
    CREATE TABLE "Odd, schema"."Odd, table" ("a.b" text, "c""d" int);
    CREATE UNLOGGED TABLE cache (key text PRIMARY KEY, value text);
    CREATE TABLE parent (id int, note text); CREATE TABLE child (more text) INHERITS (parent);
    CREATE TABLE events (at date NOT NULL, region text, what text) PARTITION BY RANGE (at);
    CREATE TABLE events_2025 PARTITION OF events
        FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (region);
    CREATE TABLE events_2025_eu PARTITION OF events_2025 FOR VALUES IN ('eu');
    CREATE TABLE events_rest PARTITION OF events DEFAULT;
    CREATE INDEX ON events (what); ALTER TABLE events ADD CHECK (what <> '');

    CREATE INDEX users_alike ON users USING gin (name gin_trgm_ops);
    CREATE INDEX users_lower ON users (lower(email)) WHERE seen > 0;
    CREATE STATISTICS users_together ON email, name FROM users;
    CREATE TRIGGER touched BEFORE UPDATE ON users
        FOR EACH ROW EXECUTE FUNCTION billing.touched();
    CREATE VIEW named AS SELECT id, name FROM users WITH CHECK OPTION;
    CREATE RULE quiet AS ON DELETE TO named DO INSTEAD NOTHING;
    CREATE MATERIALIZED VIEW billing.sums AS
        SELECT 1 AS one, count(*) AS n FROM generate_series(1, 30);
    CREATE UNIQUE INDEX ON billing.sums (one);
    ALTER TABLE billing.invoices ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON billing.invoices USING (user_id > 0);
    CREATE PUBLICATION outward FOR TABLE users, billing.invoices;

    INSERT INTO users (email, name, tags)
        SELECT n || '@samokoder.test', 'Имя ' || n, hstore('n', n::text)
        FROM generate_series(1, 40) n;
    INSERT INTO billing.invoices (user_id, state, total, during, amounts, about, scan)
        SELECT id, 'paid', (id, 'RUB'::text)::billing.money_of, billing.period(now(), NULL),
               '{1.5,2}', '{"a": [1, null]}', decode(repeat('00ff', 4000), 'hex') FROM users;
    INSERT INTO "Odd, schema"."Odd, table" VALUES ('tab' || chr(9), 1), (NULL, NULL);
    INSERT INTO cache VALUES ('k', 'v');
    INSERT INTO parent VALUES (1, 'own'); INSERT INTO child VALUES (2, 'inherited', 'm');
    INSERT INTO events VALUES ('2025-05-05', 'eu', 'x'), ('2031-01-01', NULL, 'y');
    SELECT lo_from_bytea(0, decode(repeat('abcd', 3000), 'hex'));

    REVOKE EXECUTE ON FUNCTION billing.cents FROM PUBLIC;
    GRANT USAGE ON SCHEMA billing TO objects_reader;
    GRANT SELECT (id, name) ON users TO objects_reader;
    GRANT SELECT ON billing.invoices TO objects_reader WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES IN SCHEMA billing GRANT SELECT ON TABLES TO objects_reader;
    DO $$ DECLARE one oid; BEGIN
        SELECT oid INTO one FROM pg_largeobject_metadata;
        EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO objects_reader', one);
        EXECUTE format('COMMENT ON LARGE OBJECT %s IS %L', one, 'a scan');
    END $$;
    COMMENT ON SCHEMA billing IS 'money';
    COMMENT ON COLUMN users.name IS E'как зовут;\n-- не комментарий';
    COMMENT ON FUNCTION billing.touched IS 'counts';
    COMMENT ON CONSTRAINT events_what_check ON events IS 'something';
"""


def everything(server: PostgresServer, database: str) -> str:
    """All of a database in the server's own words: structure, rows, grants, large objects."""
    argv = [str(server.programs / "pg_dump"), server.dsn(database)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env={"LC_ALL": "C"})
    # A random word against what a hostile row may say to psql (CVE-2025-8714).
    lines = done.stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict")))
