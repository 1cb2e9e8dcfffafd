-- Notebooks of statements, each of a scope.

CREATE TABLE notebooks (
  id TEXT NOT NULL PRIMARY KEY,
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  -- The cells, as JSON.
  cells TEXT NOT NULL,
  revision INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX notebooks_by_scope ON notebooks (scope, changed_ms);
