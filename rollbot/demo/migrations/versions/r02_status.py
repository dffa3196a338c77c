"""Projects have a status."""

from alembic import op

revision = "r02"
down_revision = "r01"


def upgrade() -> None:
    op.execute("CREATE TYPE project_status AS ENUM ('draft', 'active', 'archived')")
    op.execute("ALTER TABLE projects ADD COLUMN status project_status NOT NULL DEFAULT 'draft'")


def downgrade() -> None:
    op.execute("ALTER TABLE projects DROP COLUMN status")
    op.execute("DROP TYPE project_status")
