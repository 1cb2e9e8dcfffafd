-- Saved views: the state of a page under a name, of a scope; whoever reads the scope shares them.

CREATE TABLE views (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  query TEXT NOT NULL,
  saved_ms INTEGER NOT NULL,
  PRIMARY KEY (scope, name)
) STRICT;
