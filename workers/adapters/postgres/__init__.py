"""PostgreSQL: the `Database` port by psycopg and by the server's own client programs."""
