"""What an office changed of the shipped texts and tables, version by version; and forms that nobody has sent yet."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE office_text (
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            body TEXT NOT NULL,        -- JSON; '': back to what is shipped
            author TEXT NOT NULL,
            at REAL NOT NULL,
            PRIMARY KEY (kind, name, version)
        ) STRICT
        """
    )
    op.execute(
        """
        CREATE TABLE unsent_form (
            author TEXT NOT NULL,
            place TEXT NOT NULL,       -- 'new', or the code of the draft that is edited
            token TEXT NOT NULL,       -- of the form: one that was sent is not kept again
            body TEXT NOT NULL,        -- JSON: the fields as typed
            at REAL NOT NULL,
            PRIMARY KEY (author, place)
        ) STRICT
        """
    )
