"""Invoices. Written beside r07b, by another team: nobody merged the two."""

from alembic import op

revision = "r07a"
down_revision = "r06"


def upgrade() -> None:
    op.execute("CREATE TABLE invoices (id serial PRIMARY KEY, user_id integer REFERENCES users)")


def downgrade() -> None:
    op.execute("DROP TABLE invoices")
