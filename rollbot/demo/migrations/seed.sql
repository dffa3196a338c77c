-- What Samokoder's users have before the curtain rises, as of r05.
INSERT INTO users (email, handle)
SELECT 'user' || n || '@samokoder.example', 'user' || n FROM generate_series(1, 40) AS n;

INSERT INTO projects (owner_id, title, status)
SELECT 1 + n % 40, 'Project ' || n, (ARRAY['draft', 'active'])[1 + n % 2]::project_status
FROM generate_series(1, 1204) AS n;

INSERT INTO files (project_id, path, content, size_bytes)
SELECT 1 + n % 1204, 'src/' || n || '.py', repeat('x', n % 400), n % 400
FROM generate_series(1, 3000) AS n;

ANALYZE;
