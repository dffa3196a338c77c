"""Projects are described, ranked and tagged. The code before it cannot write a project any more."""

import sqlalchemy as sa
from alembic import op

revision = "r06"
down_revision = "r05"


def upgrade() -> None:
    op.add_column("projects", sa.Column("description", sa.Text))
    op.execute("UPDATE projects SET description = title")
    op.alter_column("projects", "description", nullable=False)
    op.add_column("projects", sa.Column("priority", sa.Integer, server_default="0", nullable=False))
    op.create_index("ix_projects_priority", "projects", ["priority"])
    op.create_table(
        "project_tags",
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("tag", sa.Text, primary_key=True),
    )


def downgrade() -> None:
    op.drop_table("project_tags")
    op.drop_index("ix_projects_priority", "projects")
    op.drop_column("projects", "priority")
    op.drop_column("projects", "description")
