"""Projects have a status, files a size, and there is a log of events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ENUM

revision = "r02"
down_revision = "r01"

status = ENUM("draft", "active", "archived", name="project_status", create_type=False)


def upgrade() -> None:
    op.execute("CREATE TYPE project_status AS ENUM ('draft', 'active', 'archived')")
    op.add_column("projects", sa.Column("status", status, server_default="draft", nullable=False))
    op.add_column("files", sa.Column("size_bytes", sa.BigInteger))
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id")),
        sa.Column("what", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("events")
    op.drop_column("files", "size_bytes")
    op.drop_column("projects", "status")
    op.execute("DROP TYPE project_status")
