"""Users get a handle, made from their address row by row: `--sql` cannot show this one."""

import sqlalchemy as sa
from alembic import op

revision = "r05"
down_revision = "r04"


def upgrade() -> None:
    op.add_column("users", sa.Column("handle", sa.Text))
    link = op.get_bind()
    for number, email in link.execute(sa.text("SELECT id, email FROM users")).all():
        handle = email.partition("@")[0].lower()
        written = sa.text("UPDATE users SET handle = :handle WHERE id = :id")
        link.execute(written, {"handle": handle, "id": number})


def downgrade() -> None:
    link = op.get_bind()
    for number, handle in link.execute(sa.text("SELECT id, handle FROM users")).all():
        written = sa.text("UPDATE users SET name = :name WHERE id = :id AND name = ''")
        link.execute(written, {"name": handle, "id": number})
    op.drop_column("users", "handle")
